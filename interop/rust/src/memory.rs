//! The file of a memory lane, as it is mapped: docs/wire-format.md, "The memory file".

use std::ffi::c_void;
use std::os::fd::OwnedFd;
use std::ptr::{copy_nonoverlapping, null_mut, NonNull};
use std::sync::atomic::{compiler_fence, AtomicU32, AtomicU64, Ordering};

use rustix::fs::{fcntl_get_seals, fstat, SealFlags};
use rustix::io::pread;
use rustix::mm::{mmap, munmap, MapFlags, ProtFlags};

use crate::wire::Result;

const MAGIC: u64 = 0x4d63_7069_796e_6974;
const VERSION: u32 = 1;
pub const HEADER_SIZE: usize = 4096;
const SMALLEST_RING: u64 = 4096;
const LARGEST_RING: u64 = 64 * 1024 * 1024;

/// Memory that the peer can write to at any time. So there are no references to its bytes, and what is in it is copied
/// before it is looked at.
pub struct Memory {
    start: NonNull<u8>,
    length: usize,
    /// Those of ring 0 and ring 1.
    pub sizes: [u64; 2],
}

// SAFETY: it is only accessed by atomic instructions, and by copies that do not care what they find.
unsafe impl Send for Memory {}
unsafe impl Sync for Memory {}

impl Memory {
    /// Maps the file of a peer, once it is known that it can be mapped safely.
    pub fn map(file: &OwnedFd) -> Result<Memory> {
        let (length, sizes) = check(file)?;
        // SAFETY: it is a new mapping, and its seals keep the file from getting smaller.
        let start = unsafe { mmap(null_mut(), length, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, file, 0)? };
        let start = NonNull::new(start.cast()).ok_or("mapped at 0")?;
        Ok(Memory { start, length, sizes })
    }

    /// A position in a ring.
    pub fn position(&self, offset: usize) -> &AtomicU64 {
        assert!(offset & 7 == 0 && offset < HEADER_SIZE);
        // SAFETY: it is inside, aligned as the mapping is, and only ever accessed by atomic instructions.
        unsafe { AtomicU64::from_ptr(self.start.as_ptr().add(offset).cast()) }
    }

    /// What an end sleeps for.
    pub fn reasons(&self, offset: usize) -> &AtomicU32 {
        assert!(offset & 3 == 0 && offset < HEADER_SIZE);
        // SAFETY: as above.
        unsafe { AtomicU32::from_ptr(self.start.as_ptr().add(offset).cast()) }
    }

    pub fn read(&self, offset: usize, target: &mut [u8]) {
        assert!(offset <= self.length && target.len() <= self.length - offset);
        // SAFETY: it is inside, and the target is not, because nobody has a reference to what is inside.
        unsafe { copy_nonoverlapping(self.start.as_ptr().add(offset), target.as_mut_ptr(), target.len()) }
        // The peer may change what was copied, so the compiler must not read it again.
        compiler_fence(Ordering::SeqCst);
    }

    pub fn write(&self, offset: usize, source: &[u8]) {
        assert!(offset <= self.length && source.len() <= self.length - offset);
        // SAFETY: as above.
        unsafe { copy_nonoverlapping(source.as_ptr(), self.start.as_ptr().add(offset), source.len()) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: nobody can have a reference any more.
        let unmapped = unsafe { munmap(self.start.as_ptr().cast::<c_void>(), self.length) };
        debug_assert!(unmapped.is_ok());
    }
}

/// Returns the size of the file and of its rings, from a copy of its header. Nothing is mapped before.
fn check(file: &OwnedFd) -> Result<(usize, [u64; 2])> {
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW;
    if !fcntl_get_seals(file).is_ok_and(|present| present.contains(seals)) {
        return Err("the memory is not sealed against shrinking, growing and further seals".into());
    }
    let mut header = [0; 32];
    if pread(file, &mut header, 0)? != header.len() {
        return Err("the memory has no header".into());
    }
    let u64_at = |at: usize| u64::from_ne_bytes(header[at..at + 8].try_into().expect("8 bytes"));
    let u32_at = |at: usize| u32::from_ne_bytes(header[at..at + 4].try_into().expect("4 bytes"));
    if u64_at(0) != MAGIC || u32_at(8) != VERSION || u32_at(12) as usize != HEADER_SIZE {
        return Err("the memory has no header of this version".into());
    }
    let sizes = [u64_at(16), u64_at(24)];
    if sizes.iter().any(|size| !size.is_power_of_two() || !(SMALLEST_RING..=LARGEST_RING).contains(size)) {
        return Err("a ring is not a power of two from 4 KiB to 64 MiB".into());
    }
    let length = HEADER_SIZE as u64 + sizes[0] + sizes[1];
    if u64::try_from(fstat(file)?.st_size) != Ok(length) {
        return Err("the size of the memory is not that of its header and rings".into());
    }
    Ok((length as usize, sizes))
}
