//! Names of hosts in a static binary.
//!
//! `getaddrinfo` of glibc loads a library for each service that `/etc/nsswitch.conf` names, made for the very glibc that the
//! binary was linked with: on another machine it is missing, or another one, and then worse than missing. Two services are in
//! the binary itself (`nss/nss_module.c`, since glibc 2.34): `files`, which reads `/etc/hosts`, and `dns`.

/// Keeps the resolver of a static binary to what is in the binary: `/etc/hosts`, and the servers of `/etc/resolv.conf`. Nothing
/// elsewhere. Before the first name is resolved; cost: an allocation.
pub fn resolve_without_libraries() {
    #[cfg(all(target_os = "linux", target_env = "gnu", target_feature = "crt-static"))]
    linked::keep_to_files_and_dns();
}

#[cfg(all(target_os = "linux", target_env = "gnu", target_feature = "crt-static"))]
mod linked {
    use std::ffi::{c_char, c_int};

    // nss.h
    unsafe extern "C" {
        fn __nss_configure_lookup(database: *const c_char, services: *const c_char) -> c_int;
    }

    pub(super) fn keep_to_files_and_dns() {
        // SAFETY: both are strings that end in a NUL and live for ever; the function takes a lock of its own and copies. It
        // fails for lack of memory only, and then changes nothing.
        unsafe {
            __nss_configure_lookup(c"hosts".as_ptr(), c"files dns".as_ptr());
        }
    }
}
