//! The calls of the C library with which this program touches files, in place of the library's
//! own: what lies below the folder of a [`super::disk::Disk`] is recorded and can be made to fail.
//!
//! A function of a program goes before one of the same name in a shared library. So SQLite and
//! Rust's standard library, both linked into this program, call these; they call the kernel.

#![expect(unsafe_code, reason = "these are functions of the C library, called from C")]
#![allow(clippy::missing_safety_doc)]

use std::ffi::{CStr, c_char, c_int, c_long, c_uint, c_void};

use super::disk::{self, Gate, Touch};

type Bytes = *const c_void;

/// Fails a call as the kernel would.
unsafe fn fail(code: c_int) -> c_long {
    unsafe { *libc::__errno_location() = code };
    -1
}

unsafe fn text<'a>(path: *const c_char) -> Option<&'a str> {
    if path.is_null() { None } else { unsafe { CStr::from_ptr(path) }.to_str().ok() }
}

unsafe fn opened(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    let real =
        || unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path, flags | libc::O_LARGEFILE, mode) };
    let Some(name) = (unsafe { text(path) }) else { return real() as c_int };
    let creates = flags & libc::O_CREAT != 0;
    let result = disk::with_path(name, |recorder, relative| {
        let is_new = creates && !recorder.has_name(relative);
        let touch = if is_new { Touch::Name } else { Touch::Open };
        match recorder.gate(touch, relative) {
            Gate::Fail(code) | Gate::FailHalf(code) => unsafe { fail(code) },
            Gate::Pass => {
                let descriptor = real();
                if descriptor >= 0 {
                    recorder.opened(descriptor as c_int, relative, creates, flags & libc::O_TRUNC != 0);
                }
                descriptor
            }
        }
    });
    result.unwrap_or_else(real) as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    unsafe { opened(path, flags, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    unsafe { opened(path, flags, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn close(descriptor: c_int) -> c_int {
    disk::closed(descriptor);
    unsafe { libc::syscall(libc::SYS_close, descriptor) as c_int }
}

/// A write at a place; without one, where the descriptor stands.
unsafe fn written(descriptor: c_int, bytes: Bytes, count: usize, at: Option<i64>) -> isize {
    let real = |count: usize| unsafe {
        match at {
            Some(at) => libc::syscall(libc::SYS_pwrite64, descriptor, bytes, count, at),
            None => libc::syscall(libc::SYS_write, descriptor, bytes, count),
        }
    };
    let result = disk::with_descriptor(descriptor, |recorder, relative, file| {
        let (count, code) = match recorder.gate(Touch::Write, relative) {
            Gate::Pass => (count, None),
            Gate::FailHalf(code) => (count / 2, Some(code)),
            Gate::Fail(code) => (0, Some(code)),
        };
        let done = if count == 0 { 0 } else { real(count) };
        if done > 0 {
            let length = done as usize;
            let end = at.map_or_else(
                || unsafe { libc::syscall(libc::SYS_lseek, descriptor, 0, libc::SEEK_CUR) },
                |at| at + done,
            );
            let slice = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length) };
            recorder.written(file, end as u64 - length as u64, slice);
        }
        code.map_or(done, |code| unsafe { fail(code) })
    });
    result.unwrap_or_else(|| real(count)) as isize
}

#[unsafe(no_mangle)]
unsafe extern "C" fn write(descriptor: c_int, bytes: Bytes, count: usize) -> isize {
    unsafe { written(descriptor, bytes, count, None) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite(descriptor: c_int, bytes: Bytes, count: usize, at: i64) -> isize {
    unsafe { written(descriptor, bytes, count, Some(at)) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite64(descriptor: c_int, bytes: Bytes, count: usize, at: i64) -> isize {
    unsafe { written(descriptor, bytes, count, Some(at)) }
}

/// Does `real` unless the call is to fail.
fn gated(descriptor: c_int, touch: Touch, real: impl Fn() -> c_long) -> c_long {
    let result =
        disk::with_descriptor(descriptor, |recorder, relative, _| match recorder.gate(touch, relative) {
            Gate::Pass => real(),
            Gate::Fail(code) | Gate::FailHalf(code) => unsafe { fail(code) },
        });
    result.unwrap_or_else(&real)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn read(descriptor: c_int, buffer: *mut c_void, count: usize) -> isize {
    gated(descriptor, Touch::Read, || unsafe { libc::syscall(libc::SYS_read, descriptor, buffer, count) })
        as isize
}

unsafe fn read_at(descriptor: c_int, buffer: *mut c_void, count: usize, at: i64) -> isize {
    let real = || unsafe { libc::syscall(libc::SYS_pread64, descriptor, buffer, count, at) };
    gated(descriptor, Touch::Read, real) as isize
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pread(descriptor: c_int, buffer: *mut c_void, count: usize, at: i64) -> isize {
    unsafe { read_at(descriptor, buffer, count, at) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pread64(descriptor: c_int, buffer: *mut c_void, count: usize, at: i64) -> isize {
    unsafe { read_at(descriptor, buffer, count, at) }
}

unsafe fn synced(descriptor: c_int, number: c_long) -> c_int {
    let real = || unsafe { libc::syscall(number, descriptor) };
    let result =
        disk::with_handle(descriptor, |recorder, handle| match recorder.gate(Touch::Sync, &handle.path) {
            Gate::Pass => {
                let done = real();
                if done == 0 {
                    recorder.synced(handle);
                }
                done
            }
            Gate::Fail(code) | Gate::FailHalf(code) => unsafe { fail(code) },
        });
    result.unwrap_or_else(real) as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fsync(descriptor: c_int) -> c_int {
    unsafe { synced(descriptor, libc::SYS_fsync) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fdatasync(descriptor: c_int) -> c_int {
    unsafe { synced(descriptor, libc::SYS_fdatasync) }
}

unsafe fn resized(descriptor: c_int, length: i64) -> c_int {
    let real = || unsafe { libc::syscall(libc::SYS_ftruncate, descriptor, length) };
    let result = disk::with_descriptor(descriptor, |recorder, relative, file| {
        match recorder.gate(Touch::Write, relative) {
            Gate::Pass => {
                let done = real();
                if done == 0 {
                    recorder.resized(file, length as u64);
                }
                done
            }
            Gate::Fail(code) | Gate::FailHalf(code) => unsafe { fail(code) },
        }
    });
    result.unwrap_or_else(real) as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ftruncate(descriptor: c_int, length: i64) -> c_int {
    unsafe { resized(descriptor, length) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ftruncate64(descriptor: c_int, length: i64) -> c_int {
    unsafe { resized(descriptor, length) }
}

/// A change of names; `note` records it when it was done.
fn renamed(
    path: *const c_char,
    note: impl Fn(&mut disk::Recorder, &str),
    real: impl Fn() -> c_long,
) -> c_int {
    let Some(name) = (unsafe { text(path) }) else { return real() as c_int };
    let result = disk::with_path(name, |recorder, relative| match recorder.gate(Touch::Name, relative) {
        Gate::Pass => {
            let done = real();
            if done == 0 {
                note(recorder, relative);
            }
            done
        }
        Gate::Fail(code) | Gate::FailHalf(code) => unsafe { fail(code) },
    });
    result.unwrap_or_else(&real) as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    let real = || unsafe { libc::syscall(libc::SYS_renameat2, libc::AT_FDCWD, from, libc::AT_FDCWD, to, 0) };
    let target = unsafe { text(to) }.unwrap_or_default();
    renamed(from, |recorder, relative| recorder.renamed(relative, target), real)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn linkat(
    from_folder: c_int,
    from: *const c_char,
    to_folder: c_int,
    to: *const c_char,
    flags: c_int,
) -> c_int {
    let real = || unsafe { libc::syscall(libc::SYS_linkat, from_folder, from, to_folder, to, flags) };
    let target = unsafe { text(to) }.unwrap_or_default();
    renamed(from, |recorder, relative| recorder.linked(relative, target), real)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    let real = || unsafe { libc::syscall(libc::SYS_unlinkat, libc::AT_FDCWD, path, 0) };
    renamed(path, disk::Recorder::unlinked, real)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn mkdir(path: *const c_char, mode: c_uint) -> c_int {
    let real = || unsafe { libc::syscall(libc::SYS_mkdirat, libc::AT_FDCWD, path, mode) };
    renamed(path, disk::Recorder::folder_made, real)
}
