//! The filesystem backend: one flat folder, one file per image, shared by group between api and worker.
//!
//! It keeps bytes as they come and verifies nothing: that is what the encryption above it does.
//!
//! A write goes to a hidden partial file, is flushed to the disk and renamed into place, so no reader and no
//! crash ever sees half an image. Files are 0660: the folder has mode 2770, and whoever is in its group may
//! read and delete them.

use std::fs;
use std::io;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use uuid::Uuid;

use crate::backend::id_of;
use crate::content::Chunks;
use crate::{Answer, Content, ImageInfo, ImageStore, StoreError, StoredImage};

/// Group members read and delete; nobody else does.
const FILE_MODE: u32 = 0o660;
/// How much of an image is in memory at once while it is read.
const CHUNK_BYTES: usize = 64 * 1024;
/// A file of this ending is on its way into the store, or was when its writer died.
const PARTIAL: &str = "partial";

/// Images as files in one folder.
#[derive(Debug, Clone)]
pub(crate) struct Filesystem {
    folder: PathBuf,
}

impl Filesystem {
    /// A store in `folder`, which is neither made nor looked at here: its owner and mode are the deployment's.
    pub(crate) fn new(folder: impl Into<PathBuf>) -> Self {
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
    async fn write_partial(&self, id: Uuid, content: Content) -> Result<Partial, StoreError> {
        // The random part keeps two writers of the same id out of each other's file.
        let path = self.folder.join(format!(".{id}.{}.{PARTIAL}", Uuid::new_v4().simple()));
        let failed = || self.error("write an image");
        let mut options = tokio::fs::OpenOptions::new();
        let mut file =
            options.write(true).create_new(true).mode(FILE_MODE).open(&path).await.map_err(failed())?;
        let partial = Partial { path, published: false };
        // The mode asked for above is cut by the umask.
        file.set_permissions(fs::Permissions::from_mode(FILE_MODE)).await.map_err(failed())?;
        let mut chunks = content.counted(id);
        while let Some(chunk) = chunks.try_next().await? {
            file.write_all(&chunk).await.map_err(failed())?;
        }
        file.flush().await.map_err(failed())?;
        file.sync_all().await.map_err(failed())?;
        Ok(partial)
    }

    /// Makes a partial file visible under its id, durably.
    fn publish(&self, id: Uuid, mut partial: Partial) -> Result<(), StoreError> {
        fs::rename(&partial.path, self.path(id)).map_err(self.error("publish an image"))?;
        partial.published = true;
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
        Ok(ImageInfo { id, size_bytes: metadata.len(), created_at: OffsetDateTime::from(modified) })
    }

    async fn probe(&self) -> Result<(), StoreError> {
        let probe = Uuid::new_v4();
        let content = Bytes::copy_from_slice(probe.as_bytes());
        let partial = self.write_partial(probe, content.clone().into()).await?;
        let read = tokio::fs::read(&partial.path).await.map_err(self.error("read back a probe"))?;
        tokio::fs::remove_file(&partial.path).await.map_err(self.error("delete a probe"))?;
        if read == content { Ok(()) } else { Err(StoreError::ProbeDiffers) }
    }

    /// The moment by the clock that stamps the files, which need not be this process's.
    fn now(&self) -> Result<SystemTime, StoreError> {
        let path = self.folder.join(format!(".now.{}.{PARTIAL}", Uuid::new_v4().simple()));
        let file = fs::File::create_new(&path).map_err(self.error("look at the clock"))?;
        let stamped = file.metadata().and_then(|metadata| metadata.modified());
        let removed = fs::remove_file(&path);
        let now = stamped.map_err(self.error("look at the clock"))?;
        removed.map_err(self.error("look at the clock"))?;
        Ok(now)
    }

    fn remove_leftovers(&self, age: Duration) -> Result<usize, StoreError> {
        let now = self.now()?;
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
            let old = now.duration_since(modified).is_ok_and(|since| since >= age);
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
    fn put(&self, id: Uuid, content: Content) -> Answer<'_, ()> {
        Box::pin(async move {
            let partial = self.write_partial(id, content).await?;
            self.blocking(move |store| store.publish(id, partial)).await
        })
    }

    fn get(&self, id: Uuid) -> Answer<'_, Option<StoredImage>> {
        self.get_range(id, 0..u64::MAX)
    }

    fn get_range(&self, id: Uuid, range: Range<u64>) -> Answer<'_, Option<StoredImage>> {
        Box::pin(async move {
            let mut file = match tokio::fs::File::open(self.path(id)).await {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return self.absent(None),
                Err(error) => return Err(self.error("open an image")(error)),
            };
            let metadata = file.metadata().await.map_err(self.error("look at an image"))?;
            let info = self.info(id, &metadata)?;
            let [start, end] = [range.start, range.end].map(|place| place.min(info.size_bytes));
            if start > 0 {
                file.seek(io::SeekFrom::Start(start)).await.map_err(self.error("read an image"))?;
            }
            let content = chunks(id, file, end.saturating_sub(start), self.folder.clone());
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
                    let Some(id) = entry.file_name().to_str().and_then(id_of) else { continue };
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
        Box::pin(self.probe())
    }

    fn clean_leftovers(&self, age: Duration) -> Answer<'_, usize> {
        self.blocking(move |store| store.remove_leftovers(age))
    }
}

/// The next `left` bytes of an open image file.
fn chunks(id: Uuid, file: tokio::fs::File, left: u64, folder: PathBuf) -> Chunks {
    stream::try_unfold((file, left, folder), move |(mut file, left, folder)| async move {
        if left == 0 {
            return Ok(None);
        }
        let wanted = usize::try_from(left).map_or(CHUNK_BYTES, |left| left.min(CHUNK_BYTES));
        let mut chunk = vec![0; wanted];
        file.read_exact(&mut chunk).await.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => StoreError::Damaged { id, key: None, found: "it ended early" },
            _ => StoreError::from_io(&folder, "read an image", error),
        })?;
        Ok(Some((Bytes::from(chunk), (file, left - wanted as u64, folder))))
    })
    .boxed()
}

/// A file on its way into the store. Half a file is of no use to anybody, so it goes when its writer gives up; what a
/// crash leaves, `clean_leftovers` finds.
struct Partial {
    path: PathBuf,
    published: bool,
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.published {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests;
