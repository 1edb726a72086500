//! `memsight agent`: what a person may write.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use memsight_engine::agent::ServicePattern;

use super::time::time;

/// `memsight agent`.
#[derive(Debug, Args)]
#[command(
    long_about = "Export the memory of all Python processes of this machine, to Prometheus and OpenTelemetry.\n\n\
        Processes are found by themselves, and their series disappear with them. Command lines and environments are \
        not exported: only the name of a service is taken from there. Run it as root to see processes of all users.",
    after_long_help = concat!(
        "ANSWERS\n",
        "  /metrics      OpenMetrics 1.0, or Prometheus's text format if the client prefers that\n",
        "  /healthz      200 while samples are taken, 503 otherwise\n",
        "  /api/history  JSON from the history: ?pid=N&service=NAME&since=MS&until=MS&step=0|10000|60000\n",
        "\n",
        "ENVIRONMENT\n",
        "  OTEL_EXPORTER_OTLP_ENDPOINT, _HEADERS, _TIMEOUT, and the same with _METRICS_ before the last word\n",
        "\n",
        "EXAMPLES\n",
        "  memsight agent                                            for a Prometheus on this machine\n",
        "  memsight agent --history /var/lib/memsight/history.db     and a week of history\n",
        "  memsight agent --service 'shop=gunicorn .*shop'           a name for processes that tell none\n",
        "  memsight agent --otlp-endpoint http://127.0.0.1:4318      push to a collector\n",
        "\n",
        "EXIT CODES\n",
        "  0 after SIGTERM, 130 after Ctrl-C, 2 if something was in the way"
    )
)]
pub struct Agent {
    /// Address and port to answer on; port 0: any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9464")]
    pub listen: SocketAddr,
    /// Name by which requests may call an agent that listens on this machine alone, besides its address and localhost;
    /// may be given several times
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
    /// Time between two samples: 100ms to 1h
    #[arg(short, long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    pub interval: Duration,
    /// Processes with series of their own, the largest first; the rest is summed up as pid="other"
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_processes: u32,
    /// Variable in a process's environment that names its service
    #[arg(long, value_name = "NAME", default_value = "OTEL_SERVICE_NAME", help_heading = "Services")]
    pub service_env: String,
    /// Processes whose command line matches belong to the service NAME; may be given several times
    #[arg(long, value_name = "NAME=REGEX", help_heading = "Services")]
    pub service: Vec<ServicePattern>,
    /// Keep a history in this SQLite file [default: none is kept]
    #[arg(long, value_name = "FILE", help_heading = "History")]
    pub history: Option<PathBuf>,
    /// How long to keep it
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = time, help_heading = "History")]
    pub retention: Duration,
    /// Size beyond which the oldest goes first
    #[arg(long, value_name = "MIB", default_value_t = 512, value_parser = clap::value_parser!(u64).range(8..=1_048_576), help_heading = "History")]
    pub history_size: u64,
    /// Push to this OTLP receiver over HTTP; /v1/metrics is added to an address without a path
    #[arg(long, value_name = "URL", help_heading = "OpenTelemetry")]
    pub otlp_endpoint: Option<String>,
    /// Time between two pushes
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = interval, help_heading = "OpenTelemetry")]
    pub otlp_interval: Duration,
}

/// A time that neither floods nor sleeps through everything.
fn interval(text: &str) -> Result<Duration, String> {
    let interval = time(text)?;
    if (Duration::from_millis(100)..=Duration::from_secs(3_600)).contains(&interval) {
        return Ok(interval);
    }
    Err("write a time from 100ms to 1h".to_owned())
}
