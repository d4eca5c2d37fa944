//! The filesystem backend: one flat folder, one file per image, shared by group between api and worker.
//!
//! A write goes to a hidden partial file, is flushed to the disk and renamed into place, so no reader and no
//! crash ever sees half an image. Files are 0660: the folder has mode 2770, and whoever is in its group may
//! read and delete them.

mod format;

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use time::OffsetDateTime;
use tokio::io::AsyncReadExt;
use uuid::Uuid;

use crate::{Answer, ImageInfo, ImageStore, StoreError, StoredImage};
use format::Header;

/// Group members read and delete; nobody else does.
const FILE_MODE: u32 = 0o660;
/// How much of an image is in memory at once while it is read.
const CHUNK_BYTES: usize = 64 * 1024;
/// A file of this ending is on its way into the store, or was when its writer died.
const PARTIAL: &str = "partial";

/// Images as files in one folder.
#[derive(Debug, Clone)]
pub struct Filesystem {
    folder: PathBuf,
}

impl Filesystem {
    /// A store in `folder`, which is neither made nor looked at here: its owner and mode are the deployment's.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn path(&self, id: Uuid) -> PathBuf {
        self.folder.join(id.to_string())
    }

    fn error(&self, operation: &'static str) -> impl FnOnce(io::Error) -> StoreError + use<> {
        let folder = self.folder.clone();
        move |source| StoreError::from_io(&folder, operation, source)
    }

    /// No such file: the image is not there, provided that the folder is.
    ///
    /// Without this an unmounted volume would look like a store from which everything was already deleted.
    fn absent<T>(&self, absent: T) -> Result<T, StoreError> {
        if self.folder.is_dir() {
            Ok(absent)
        } else {
            Err(StoreError::FolderMissing { folder: self.folder.clone() })
        }
    }

    /// Runs blocking file work off the reactor.
    fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(Self) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'_, T> {
        let store = self.clone();
        Box::pin(async move {
            let folder = store.folder.clone();
            tokio::task::spawn_blocking(move || work(store)).await.unwrap_or_else(|stopped| {
                Err(StoreError::from_io(&folder, "finish file work", io::Error::other(stopped)))
            })
        })
    }

    /// Writes everything to a partial file and flushes it; nothing is visible yet.
    fn write_partial(&self, id: Uuid, content: &[u8]) -> Result<PathBuf, StoreError> {
        // The random part keeps two writers of the same id out of each other's file.
        let partial = self.folder.join(format!(".{id}.{}.{PARTIAL}", Uuid::new_v4().simple()));
        let write = || {
            let mut file =
                fs::OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&partial)?;
            // The mode asked for above is cut by the umask.
            file.set_permissions(fs::Permissions::from_mode(FILE_MODE))?;
            file.write_all(&Header::of(content).to_bytes())?;
            file.write_all(content)?;
            file.sync_all()
        };
        write().map_err(|source| {
            // Half a file is of no use to anybody; if this fails too, clean_leftovers finds it.
            let _ = fs::remove_file(&partial);
            self.error("write an image")(source)
        })?;
        Ok(partial)
    }

    /// Makes a partial file visible under its id, durably.
    fn publish(&self, id: Uuid, partial: &Path) -> Result<(), StoreError> {
        fs::rename(partial, self.path(id)).map_err(|source| {
            let _ = fs::remove_file(partial);
            self.error("publish an image")(source)
        })?;
        self.flush_folder()
    }

    /// A rename or removal survives a power cut only once the folder itself is on the disk.
    fn flush_folder(&self) -> Result<(), StoreError> {
        fs::File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(self.error("flush the folder"))
    }

    fn head_blocking(&self, id: Uuid) -> Result<Option<ImageInfo>, StoreError> {
        match fs::metadata(self.path(id)) {
            Ok(metadata) => Ok(Some(self.info(id, &metadata)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.absent(None),
            Err(error) => Err(self.error("look at an image")(error)),
        }
    }

    fn info(&self, id: Uuid, metadata: &fs::Metadata) -> Result<ImageInfo, StoreError> {
        let modified = metadata.modified().map_err(self.error("look at an image"))?;
        // Shorter than its header is damaged: `get` says so, while lists and deletion still work.
        let size_bytes = metadata.len().saturating_sub(Header::BYTES as u64);
        Ok(ImageInfo { id, size_bytes, created_at: OffsetDateTime::from(modified) })
    }

    fn probe(&self) -> Result<(), StoreError> {
        let probe = Uuid::new_v4();
        let content = probe.as_bytes();
        let partial = self.write_partial(probe, content)?;
        let read = fs::read(&partial).map_err(self.error("read back a probe"))?;
        fs::remove_file(&partial).map_err(self.error("delete a probe"))?;
        if read.get(Header::BYTES..) == Some(content.as_slice()) {
            Ok(())
        } else {
            Err(StoreError::ProbeDiffers)
        }
    }

    fn remove_leftovers(&self, age: Duration) -> Result<usize, StoreError> {
        let mut removed = 0;
        for entry in fs::read_dir(&self.folder).map_err(self.error("list the folder"))? {
            let entry = entry.map_err(self.error("list the folder"))?;
            let path = entry.path();
            if path.extension().is_none_or(|ending| ending != PARTIAL) {
                continue;
            }
            // Published or removed meanwhile: then it is no leftover.
            let Ok(modified) = entry.metadata().and_then(|metadata| metadata.modified()) else {
                continue;
            };
            let old = SystemTime::now().duration_since(modified).is_ok_and(|since| since >= age);
            if !old {
                continue;
            }
            match fs::remove_file(&path) {
                Ok(()) => removed += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(self.error("remove a leftover")(error)),
            }
        }
        Ok(removed)
    }
}

impl ImageStore for Filesystem {
    fn put(&self, id: Uuid, content: Bytes) -> Answer<'_, ()> {
        self.blocking(move |store| {
            let partial = store.write_partial(id, &content)?;
            store.publish(id, &partial)
        })
    }

    fn get(&self, id: Uuid) -> Answer<'_, Option<StoredImage>> {
        Box::pin(async move {
            let mut file = match tokio::fs::File::open(self.path(id)).await {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return self.absent(None),
                Err(error) => return Err(self.error("open an image")(error)),
            };
            let metadata = file.metadata().await.map_err(self.error("look at an image"))?;
            let info = self.info(id, &metadata)?;
            let mut header = [0; Header::BYTES];
            file.read_exact(&mut header).await.map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => StoreError::Damaged { id, found: "shorter than its header" },
                _ => self.error("read an image")(error),
            })?;
            let header = Header::parse(&header)
                .ok_or(StoreError::Damaged { id, found: "its header is not one of ours" })?;
            if header.size_bytes != info.size_bytes {
                return Err(StoreError::Damaged { id, found: "its length is not the one that was written" });
            }
            let content = verified(id, file, &header, self.folder.clone());
            Ok(Some(StoredImage { info, content }))
        })
    }

    fn head(&self, id: Uuid) -> Answer<'_, Option<ImageInfo>> {
        self.blocking(move |store| store.head_blocking(id))
    }

    fn delete(&self, id: Uuid) -> Answer<'_, bool> {
        self.blocking(move |store| match fs::remove_file(store.path(id)) {
            Ok(()) => store.flush_folder().map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => store.absent(false),
            Err(error) => Err(store.error("delete an image")(error)),
        })
    }

    fn list(&self) -> BoxStream<'_, Result<ImageInfo, StoreError>> {
        let entries = async move {
            let entries = tokio::fs::read_dir(&self.folder).await.map_err(self.error("list the folder"))?;
            Ok::<_, StoreError>(stream::try_unfold(entries, move |mut entries| async move {
                while let Some(entry) = entries.next_entry().await.map_err(self.error("list the folder"))? {
                    // Partial files, and whatever else a person put there, carry no id for a name.
                    let Some(id) = entry.file_name().to_str().and_then(|name| Uuid::try_parse(name).ok())
                    else {
                        continue;
                    };
                    match entry.metadata().await {
                        Ok(metadata) => return Ok(Some((self.info(id, &metadata)?, entries))),
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        Err(error) => return Err(self.error("look at an image")(error)),
                    }
                }
                Ok(None)
            }))
        };
        stream::once(entries)
            .map(|opened| match opened {
                Ok(entries) => entries.boxed(),
                Err(error) => stream::iter([Err(error)]).boxed(),
            })
            .flatten()
            .boxed()
    }

    fn check(&self) -> Answer<'_, ()> {
        self.blocking(|store| store.probe())
    }

    fn clean_leftovers(&self, age: Duration) -> Answer<'_, usize> {
        self.blocking(move |store| store.remove_leftovers(age))
    }
}

/// The content of an open image file, whose last chunk is let go only when all of it has proved to be intact.
fn verified(
    id: Uuid,
    file: tokio::fs::File,
    header: &Header,
    folder: PathBuf,
) -> BoxStream<'static, Result<Bytes, StoreError>> {
    let state = (file, header.verifier(), header.size_bytes, folder);
    stream::try_unfold(state, move |(mut file, mut verifier, left, folder)| async move {
        if left == 0 {
            return Ok(None);
        }
        let wanted = usize::try_from(left).map_or(CHUNK_BYTES, |left| left.min(CHUNK_BYTES));
        let mut chunk = vec![0; wanted];
        file.read_exact(&mut chunk).await.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => StoreError::Damaged { id, found: "it ended early" },
            _ => StoreError::from_io(&folder, "read an image", error),
        })?;
        verifier.update(&chunk);
        let left = left - wanted as u64;
        if left == 0 && !verifier.holds() {
            return Err(StoreError::Damaged { id, found: "its bytes are not those that were written" });
        }
        Ok(Some((Bytes::from(chunk), (file, verifier, left, folder))))
    })
    .boxed()
}

#[cfg(test)]
mod tests;
