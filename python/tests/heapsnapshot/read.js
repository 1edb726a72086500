// Prints what memlab's reader makes of a .heapsnapshot: [name, self size, retained size] by id.
const {analysis, utils} = require("@memlab/core");

(async () => {
  const heap = await utils.getSnapshotFromFile(process.argv[2], {buildNodeIdIndex: true, verbose: false});
  // Works out dominators and retained sizes.
  analysis.preparePathFinder(heap);
  const nodes = {};
  heap.nodes.forEach(node => {
    nodes[node.id] = [node.name, node.self_size, node.retainedSize];
  });
  process.stdout.write("\n" + JSON.stringify(nodes) + "\n");
})();
