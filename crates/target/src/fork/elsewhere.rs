//! The names of `fork` where it is not done.
#![allow(missing_docs, reason = "the names are those of Linux on x86-64, and none can be called")]

use std::convert::Infallible;
use std::marker::PhantomData;

use memsight_model::{Progress, Region, Residence, ResidentMapping};

use crate::{Image, LiveMemory, Process, TargetError, Usage};

/// Copies a process by a fork: never made.
#[derive(Debug)]
pub struct Fork<'p>(Infallible, PhantomData<&'p ()>);

/// The stopped process: never made.
#[derive(Debug)]
pub struct Halt<'f, 'p>(Infallible, PhantomData<&'f Fork<'p>>);

/// The copy: never made.
#[derive(Debug)]
pub struct Forked<'p>(Infallible, PhantomData<&'p ()>);

#[cfg(all(target_os = "linux", not(memsight_portable)))]
pub(crate) fn obstacle(_process: &Process) -> Result<Option<crate::Obstacle>, TargetError> {
    Ok(Some(crate::Obstacle::Architecture))
}

impl<'p> Fork<'p> {
    #[cfg(all(target_os = "linux", not(memsight_portable)))]
    pub(crate) fn new(process: &'p Process) -> Result<Fork<'p>, TargetError> {
        Err(TargetError::NoFork { pid: process.pid(), cause: crate::Obstacle::Architecture })
    }

    pub fn stop(&mut self) -> Result<Halt<'_, 'p>, TargetError> {
        match self.0 {}
    }

    pub fn stop_most(&mut self) -> Result<Halt<'_, 'p>, TargetError> {
        match self.0 {}
    }

    pub fn pause_ns(&self) -> u64 {
        match self.0 {}
    }
}

impl<'p> Halt<'_, 'p> {
    pub fn memory(&self) -> LiveMemory {
        match self.0 {}
    }

    pub fn fork(self) -> Result<Forked<'p>, TargetError> {
        match self.0 {}
    }
}

impl Forked<'_> {
    pub fn id(&self) -> u32 {
        match self.0 {}
    }

    pub fn usage(&self) -> Usage {
        match self.0 {}
    }

    pub fn regions(&self) -> &[Region] {
        match self.0 {}
    }

    pub fn residence(&self, _before: &[ResidentMapping], _stacks: &[u64]) -> Result<Residence, TargetError> {
        match self.0 {}
    }

    pub fn capture(&self, _progress: &dyn Progress) -> Result<Image, TargetError> {
        match self.0 {}
    }

    pub fn end(self) -> Ended {
        match self.0 {}
    }
}

/// How a copy ended: never made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    pub pause_ns: u64,
    pub collected: bool,
}

#[allow(dead_code, reason = "says that `Process` is the one of this platform")]
fn _process(_: &Process) {}
