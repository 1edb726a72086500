//! One process and its figures, for `python/memsight/_process.py`.

use std::ffi::OsString;
use std::path::PathBuf;

use memsight_engine::figures::{self, MapFigures, MapGroup};
use memsight_model::Rollup;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::enter::{brief, released};

/// A process, told by its id and its start. Every method raises `NoSuchProcess` once it is gone.
#[pyclass(frozen, module = "memsight._native")]
pub(crate) struct Handle {
    inner: figures::Handle,
}

/// `rss`, `vms`, `shared`, `text`, `lib`, `data`, `dirty`.
type Memory = (u64, u64, u64, u64, u64, u64, u64);
/// `peak_rss`, `peak_vms`, `rss_anon`, `rss_file`, `rss_shmem`, `swap`, `hugetlb`.
type Extras = (u64, u64, u64, u64, u64, u64, u64);
/// Name as the kernel has it, letter of the state, parent, minor and major faults, threads.
type Stat = (OsString, char, u32, u64, u64, u32);

#[pymethods]
impl Handle {
    #[new]
    fn new(py: Python<'_>, pid: u32) -> PyResult<Handle> {
        brief(py, Some(pid), || figures::Handle::open(pid).map(|inner| Handle { inner }))
    }

    /// When it started, in clock ticks since boot.
    #[getter]
    fn started(&self) -> u64 {
        self.inner.started()
    }

    /// When it started, in seconds since 1970 by the clock as it is set now.
    #[getter]
    fn created(&self) -> f64 {
        self.inner.created()
    }

    fn is_running(&self) -> bool {
        self.inner.is_running()
    }

    fn memory(&self, py: Python<'_>) -> PyResult<Memory> {
        let info = brief(py, Some(self.inner.pid()), || self.inner.memory())?;
        Ok((
            info.rss_bytes,
            info.vms_bytes,
            info.shared_bytes,
            info.text_bytes,
            info.lib_bytes,
            info.data_bytes,
            info.dirty_bytes,
        ))
    }

    /// USS, PSS, swap.
    fn footprint(&self, py: Python<'_>) -> PyResult<(u64, u64, u64)> {
        let rollup = released(py, Some(self.inner.pid()), || self.inner.rollup())?;
        Ok((rollup.uss_bytes(), rollup.pss_bytes, rollup.swap_bytes))
    }

    fn extras(&self, py: Python<'_>) -> PyResult<Extras> {
        let status = released(py, Some(self.inner.pid()), || self.inner.status())?;
        Ok((
            status.peak_rss_bytes,
            status.peak_vms_bytes,
            status.rss_anon_bytes,
            status.rss_file_bytes,
            status.rss_shmem_bytes,
            status.swap_bytes,
            status.hugetlb_bytes,
        ))
    }

    /// psutil's rows of `memory_maps`.
    fn maps<'py>(&self, py: Python<'py>, grouped: bool) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        let maps = released(py, Some(self.inner.pid()), || self.inner.maps())?;
        match grouped {
            true => figures::group_by_path(&maps).iter().map(|group| group_row(py, group)).collect(),
            false => maps.iter().map(|map| map_row(py, map)).collect(),
        }
    }

    fn stat(&self, py: Python<'_>) -> PyResult<Stat> {
        let stat = brief(py, Some(self.inner.pid()), || self.inner.stat())?;
        let name = stat.name.as_os_str().to_owned();
        Ok((name, stat.state, stat.parent, stat.minor_faults, stat.major_faults, stat.threads))
    }

    fn name(&self, py: Python<'_>) -> PyResult<OsString> {
        released(py, Some(self.inner.pid()), || self.inner.name())
    }

    fn command(&self, py: Python<'_>) -> PyResult<Vec<OsString>> {
        released(py, Some(self.inner.pid()), || self.inner.command())
    }

    fn exe(&self, py: Python<'_>) -> PyResult<OsString> {
        released(py, Some(self.inner.pid()), || self.inner.exe()).map(PathBuf::into_os_string)
    }

    /// Real, effective and saved ids: of users, of groups.
    fn ids(&self, py: Python<'_>) -> PyResult<([u32; 3], [u32; 3])> {
        let ids = released(py, Some(self.inner.pid()), || self.inner.ids())?;
        let [uids, gids] = [ids.uids, ids.gids].map(|[real, effective, saved, _]| [real, effective, saved]);
        Ok((uids, gids))
    }
}

fn map_row<'py>(py: Python<'py>, map: &MapFigures) -> PyResult<Bound<'py, PyTuple>> {
    let texts = [map.range().into_pyobject(py)?.into_any(), map.rights.as_str().into_pyobject(py)?.into_any()];
    let path = map.label().into_pyobject(py)?.into_any();
    row(py, texts.into_iter().chain([path]), map.size_bytes, &map.pages)
}

fn group_row<'py>(py: Python<'py>, group: &MapGroup) -> PyResult<Bound<'py, PyTuple>> {
    let path = group.path.as_os_str().into_pyobject(py)?.into_any();
    row(py, [path].into_iter(), group.size_bytes, &group.pages)
}

/// `texts`, and psutil's figures of mappings in its order.
fn row<'py>(
    py: Python<'py>,
    texts: impl Iterator<Item = Bound<'py, PyAny>>,
    size_bytes: u64,
    pages: &Rollup,
) -> PyResult<Bound<'py, PyTuple>> {
    let figures = [
        pages.rss_bytes,
        size_bytes,
        pages.pss_bytes,
        pages.shared_clean_bytes,
        pages.shared_dirty_bytes,
        pages.private_clean_bytes,
        pages.private_dirty_bytes,
        pages.referenced_bytes,
        pages.anonymous_bytes,
        pages.swap_bytes,
    ];
    let mut row: Vec<Bound<'py, PyAny>> = texts.collect();
    for figure in figures {
        row.push(figure.into_pyobject(py)?.into_any());
    }
    PyTuple::new(py, row)
}
