//! Bulk data in memory that the parent fills and uses again: docs/wire-format.md, "Shared blocks".

use std::os::fd::OwnedFd;
use std::ptr::{copy_nonoverlapping, null_mut, NonNull};
use std::sync::Arc;

use ciborium::Value;
use rustix::fs::{fcntl_get_seals, fstat, fstatfs, SealFlags, Stat};
use rustix::mm::{mmap, munmap, MapFlags, ProtFlags};

use crate::wire::Result;

const REFERENCE: u64 = 1230000972;
const TMPFS_MAGIC: u64 = 0x0102_1994;
const MOST_BLOCKS: usize = 64;

/// The blocks of one lane.
pub struct Blocks {
    /// How many bytes the blocks of one message may have, and how many all references to them. 0 if there may be none.
    limit: u64,
    /// Those that are mapped, the last one used at the end.
    known: Vec<Block>,
    /// Of this message: how many of them it refers to, and to how many bytes.
    used: usize,
    referred: u64,
}

struct Block {
    device: u64,
    inode: u64,
    memory: Arc<Mapped>,
}

struct Mapped {
    start: NonNull<u8>,
    length: u64,
}

// SAFETY: it is only copied from, by copies that do not care what they find.
unsafe impl Send for Mapped {}
unsafe impl Sync for Mapped {}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: no slice refers to it any more.
        let unmapped = unsafe { munmap(self.start.as_ptr().cast(), self.length as usize) };
        debug_assert!(unmapped.is_ok());
    }
}

/// Data in a block, which the parent may change at any time if it is broken. So what is looked at is a copy.
pub struct Slice {
    memory: Arc<Mapped>,
    offset: u64,
    length: u64,
}

impl Slice {
    /// Adds up all bytes.
    pub fn total(&self) -> u64 {
        let mut part = vec![0; 64 * 1024];
        let mut total = 0;
        for at in (0..self.length).step_by(part.len()) {
            let part = &mut part[..(self.length - at).min(64 * 1024) as usize];
            self.copy(at, part);
            total += part.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        }
        total
    }

    fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.length as usize];
        self.copy(0, &mut bytes);
        bytes
    }

    fn copy(&self, at: u64, target: &mut [u8]) {
        let start = self.offset + at;
        assert!(start <= self.memory.length && target.len() as u64 <= self.memory.length - start);
        // SAFETY: it is inside, and the file cannot shrink.
        unsafe {
            copy_nonoverlapping(self.memory.start.as_ptr().add(start as usize), target.as_mut_ptr(), target.len());
        }
    }
}

/// How many of a message's descriptors come before those of the blocks that it refers to.
pub fn file_count(item: &Value, descriptors: usize) -> usize {
    match item {
        Value::Tag(REFERENCE, reference) => {
            let block = reference.as_array().and_then(|numbers| numbers.first()).and_then(Value::as_integer);
            block.and_then(|block| usize::try_from(block).ok()).map_or(descriptors, |block| block.min(descriptors))
        }
        Value::Tag(_, item) => file_count(item, descriptors),
        Value::Array(items) => items.iter().map(|item| file_count(item, descriptors)).min().unwrap_or(descriptors),
        Value::Map(pairs) => pairs.iter().map(|(_, item)| file_count(item, descriptors)).min().unwrap_or(descriptors),
        _ => descriptors,
    }
}

impl Blocks {
    pub fn new(limit: u64) -> Blocks {
        Blocks { limit, known: Vec::new(), used: 0, referred: 0 }
    }

    pub fn are_accepted(&self) -> bool {
        self.limit > 0
    }

    /// Begins with the next message.
    pub fn begin(&mut self) {
        self.used = 0;
        self.referred = 0;
    }

    /// Returns the data if an item is a reference, or nothing if it is any other.
    pub fn slice(&mut self, item: &Value, descriptors: &[OwnedFd]) -> Result<Option<Slice>> {
        let reference = match item {
            Value::Tag(REFERENCE, reference) if self.limit > 0 => reference,
            _ => return Ok(None),
        };
        let number = |item: &Value| item.as_integer().and_then(|number| u64::try_from(number).ok());
        let numbers: Option<Vec<u64>> = reference.as_array().and_then(|items| items.iter().map(number).collect());
        let [block, offset, length] = match numbers.as_deref() {
            Some(&[block, offset, length]) => [block, offset, length],
            _ => return Err("a reference is not an array of three unsigned numbers".into()),
        };
        let file = usize::try_from(block).ok().and_then(|block| descriptors.get(block));
        let memory = self.block(file.ok_or("a reference is to a block that the message does not bring")?)?;
        if length == 0 || length > memory.length || offset > memory.length - length {
            return Err("a reference goes beyond its block".into());
        }
        if length > self.limit - self.referred {
            return Err("the references of this message are to too much".into());
        }
        self.referred += length;
        Ok(Some(Slice { memory, offset, length }))
    }

    /// Copies an item, with byte strings in the place of references.
    pub fn resolve(&mut self, item: &Value, descriptors: &[OwnedFd]) -> Result<Value> {
        if let Some(slice) = self.slice(item, descriptors)? {
            return Ok(Value::Bytes(slice.to_vec()));
        }
        Ok(match item {
            Value::Tag(tag, item) => Value::Tag(*tag, Box::new(self.resolve(item, descriptors)?)),
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.resolve(item, descriptors)).collect::<Result<_>>()?)
            }
            Value::Map(pairs) => Value::Map(
                pairs
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), self.resolve(value, descriptors)?)))
                    .collect::<Result<_>>()?,
            ),
            item => item.clone(),
        })
    }

    /// Returns a block that is known, or maps it. It is at the end of those that are known then.
    fn block(&mut self, file: &OwnedFd) -> Result<Arc<Mapped>> {
        let status = fstat(file)?;
        // As long as it is mapped, no other file has its number.
        let place = self.known.iter().position(|block| block.device == status.st_dev && block.inode == status.st_ino);
        let first_used = self.known.len() - self.used;
        let block = match place {
            Some(place) if place >= first_used => return Ok(Arc::clone(&self.known[place].memory)),
            Some(place) => self.known.remove(place),
            None => self.map(file, &status)?,
        };
        let memory = Arc::clone(&block.memory);
        self.make_room(memory.length)?;
        self.known.push(block);
        self.used += 1;
        Ok(memory)
    }

    /// Unmaps blocks that this message does not need, the oldest ones first.
    fn make_room(&mut self, length: u64) -> Result<()> {
        let mut mapped: u64 = self.known.iter().map(|block| block.memory.length).sum();
        while self.known.len() == MOST_BLOCKS || mapped + length > self.limit {
            if self.known.len() == self.used {
                return Err("the blocks of this message are too many, or too large".into());
            }
            mapped -= self.known.remove(0).memory.length;
        }
        Ok(())
    }

    fn map(&self, file: &OwnedFd, status: &Stat) -> Result<Block> {
        let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW;
        // If it could shrink, reading it could end this program. In a file of hugetlbfs, there may be no page to read.
        if !fcntl_get_seals(file).is_ok_and(|present| present.contains(seals))
            || fstatfs(file)?.f_type as u64 != TMPFS_MAGIC
        {
            return Err("a block is not memory that is sealed against shrinking, growing and further seals".into());
        }
        let length = u64::try_from(status.st_size)?;
        if length == 0 || length > self.limit {
            return Err("a block is empty, or too large".into());
        }
        // SAFETY: it is a new mapping, and its seals keep the file from getting smaller.
        let start = unsafe { mmap(null_mut(), length as usize, ProtFlags::READ, MapFlags::SHARED, file, 0)? };
        let start = NonNull::new(start.cast()).ok_or("mapped at 0")?;
        Ok(Block { device: status.st_dev, inode: status.st_ino, memory: Arc::new(Mapped { start, length }) })
    }
}
