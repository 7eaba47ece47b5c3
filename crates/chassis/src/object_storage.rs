//! Object storage by its URL: S3 (feature `s3`) or a folder, for the lake, the registry and the datasets.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use secrecy::SecretString;

/// Where objects lie and how they are reached. Fields that only S3 needs are ignored for a folder.
#[derive(Clone, Debug)]
pub struct ObjectStorage {
    /// `s3://bucket/prefix`, `file:///folder`, or the path of a folder.
    pub url: String,
    /// The endpoint of a server that is not Amazon's: `https://host:port`. Buckets are then part of the path.
    pub endpoint: Option<String>,
    /// The region that requests are signed for; with Amazon, the region of the bucket.
    pub region: String,
    /// The access key, given together with its secret. Without both, the environment's AWS chain (variables, web identity, container, instance).
    pub access_key_id: Option<String>,
    /// The secret of the access key.
    pub secret_access_key: Option<SecretString>,
    /// Whether an endpoint may be `http://`: only for a server on this machine or in a closed network.
    pub allow_http: bool,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long a request may take, its body included. A conditional put that takes longer is settled by reading.
    pub request_timeout: Duration,
    /// Times a request is sent again within one operation: after a 5xx, a cut connection, or, if that is harmless, a
    /// timeout.
    pub retries_max: usize,
    /// After this long an operation is not tried again; its caller decides.
    pub retry_timeout: Duration,
}

impl ObjectStorage {
    /// This place with the defaults.
    pub fn at(url: impl Into<String>) -> Self {
        ObjectStorage {
            url: url.into(),
            endpoint: None,
            region: "us-east-1".to_owned(),
            access_key_id: None,
            secret_access_key: None,
            allow_http: false,
            connect_timeout: Duration::from_secs(3),
            request_timeout: Duration::from_secs(30),
            retries_max: 4,
            retry_timeout: Duration::from_secs(20),
        }
    }

    /// The store, and the prefix under which everything belongs. A folder is created where it is missing; nothing is
    /// asked of a server yet.
    ///
    /// # Errors
    /// [`ObjectStorageError`].
    pub fn open(&self) -> Result<(Arc<dyn ObjectStore>, Path), ObjectStorageError> {
        match self.place()? {
            Place::Folder(folder) => open_folder(folder),
            Place::Bucket { bucket, prefix } => self.open_s3(bucket, prefix),
        }
    }

    fn place(&self) -> Result<Place<'_>, ObjectStorageError> {
        let malformed = || ObjectStorageError::Url {
            url: self.url.clone(),
        };
        match self.url.split_once("://") {
            None if self.url.trim().is_empty() => Err(malformed()),
            None => Ok(Place::Folder(PathBuf::from(&self.url))),
            Some(("file", path)) if path.starts_with('/') => Ok(Place::Folder(PathBuf::from(path))),
            Some(("s3", rest)) => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                let prefix = Path::parse(prefix.trim_matches('/')).map_err(|_| malformed())?;
                match bucket.is_empty() {
                    true => Err(malformed()),
                    false => Ok(Place::Bucket { bucket, prefix }),
                }
            }
            Some(_) => Err(malformed()),
        }
    }

    #[cfg(not(feature = "s3"))]
    fn open_s3(&self, _: &str, _: Path) -> Result<(Arc<dyn ObjectStore>, Path), ObjectStorageError> {
        Err(ObjectStorageError::NoS3 {
            url: self.url.clone(),
        })
    }

    #[cfg(feature = "s3")]
    fn open_s3(
        &self,
        bucket: &str,
        prefix: Path,
    ) -> Result<(Arc<dyn ObjectStore>, Path), ObjectStorageError> {
        use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
        use object_store::{BackoffConfig, ClientOptions, RetryConfig};
        use secrecy::ExposeSecret;

        install_tls();
        let mut builder = match (&self.access_key_id, &self.secret_access_key) {
            (Some(id), Some(secret)) => AmazonS3Builder::new()
                .with_access_key_id(id)
                .with_secret_access_key(secret.expose_secret()),
            (None, None) => AmazonS3Builder::from_env(),
            _ => return Err(ObjectStorageError::HalfAKey),
        };
        let plain = (self.endpoint.as_ref()).is_some_and(|endpoint| endpoint.starts_with("http://"));
        if let Some(endpoint) = &self.endpoint {
            if plain && !self.allow_http {
                return Err(ObjectStorageError::PlainHttp {
                    endpoint: endpoint.clone(),
                });
            }
            builder = builder.with_endpoint(endpoint);
        }
        let client = ClientOptions::new()
            .with_allow_http(self.allow_http)
            // Who speaks no TLS needs no certificates of the machine; without a key, the AWS chain may speak it.
            .with_no_system_certificates(plain && self.access_key_id.is_some())
            .with_connect_timeout(self.connect_timeout)
            .with_timeout(self.request_timeout);
        let retry = RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(50),
                max_backoff: Duration::from_secs(2),
                base: 2.0,
            },
            max_retries: self.retries_max,
            retry_timeout: self.retry_timeout,
        };
        let store = builder
            .with_bucket_name(bucket)
            .with_region(&self.region)
            // Commits, versions and aliases rest on this: a put that succeeds only where nothing is yet.
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_client_options(client)
            .with_retry(retry)
            .build()
            .map_err(|source| ObjectStorageError::Store {
                url: self.url.clone(),
                source,
            })?;
        Ok((Arc::new(store), prefix))
    }
}

enum Place<'a> {
    Folder(PathBuf),
    #[cfg_attr(not(feature = "s3"), allow(dead_code))]
    Bucket {
        bucket: &'a str,
        prefix: Path,
    },
}

fn open_folder(folder: PathBuf) -> Result<(Arc<dyn ObjectStore>, Path), ObjectStorageError> {
    let path = folder.display().to_string();
    let made = std::fs::create_dir_all(&folder);
    made.map_err(|source| ObjectStorageError::Folder {
        path: path.clone(),
        source,
    })?;
    let store = LocalFileSystem::new_with_prefix(&folder)
        .map_err(|source| ObjectStorageError::Store { url: path, source })?;
    Ok((Arc::new(store), Path::default()))
}

/// Installs ring as the cryptography of TLS in this process. In a build with the feature `s3` this must happen before any
/// HTTP client is made, even one that does not use TLS. [`ObjectStorage::open`] calls it; whoever makes another client calls
/// it first. Without the feature it does nothing.
pub fn install_tls() {
    // An error means that one is installed already.
    #[cfg(feature = "s3")]
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Why object storage cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectStorageError {
    /// The URL does not name object storage.
    #[error("{url:?} does not name object storage: give s3://bucket/prefix, file:///folder, or a folder")]
    Url {
        /// As given.
        url: String,
    },
    /// This build has no S3 client.
    #[error(
        "{url} needs a build with S3 (cargo build --features fleet); this one keeps objects in folders only"
    )]
    NoS3 {
        /// As given.
        url: String,
    },
    /// An access key is given without its secret, or a secret without its key.
    #[error(
        "access_key_id and secret_access_key belong together: give both, or neither to use the AWS environment"
    )]
    HalfAKey,
    /// The endpoint is not encrypted, and `allow_http` is not set.
    #[error("the endpoint {endpoint} is not encrypted: use https, or set allow_http in a closed network")]
    PlainHttp {
        /// As given.
        endpoint: String,
    },
    /// The folder cannot be made.
    #[error("cannot use the folder {path}")]
    Folder {
        /// The folder.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The client cannot be made; S3 over TLS needs the machine's CA certificates (Debian: `ca-certificates`).
    #[error("cannot open {url}")]
    Store {
        /// As given.
        url: String,
        /// Why.
        #[source]
        source: object_store::Error,
    },
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;

    use super::*;

    #[test]
    fn what_is_no_place_is_refused_with_the_forms_that_are() {
        for url in [
            "",
            " ",
            "s3://",
            "s3:///prefix",
            "gs://bucket",
            "file://relative",
            "s3://b/a//b",
        ] {
            let error = ObjectStorage::at(url).open().unwrap_err();
            assert!(
                error.to_string().contains("give s3://bucket/prefix"),
                "{url}: {error}"
            );
        }
    }

    #[tokio::test]
    async fn a_folder_is_made_and_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        for url in [path.display().to_string(), format!("file://{}", path.display())] {
            let (store, prefix) = ObjectStorage::at(url).open().unwrap();
            assert_eq!(prefix, Path::default());
            store.put(&Path::from("x"), "1".into()).await.unwrap();
            assert_eq!(std::fs::read(path.join("x")).unwrap(), b"1");
        }
    }

    #[cfg(not(feature = "s3"))]
    #[test]
    fn without_the_feature_a_bucket_is_refused_with_the_fix() {
        let error = ObjectStorage::at("s3://bucket").open().unwrap_err();
        assert!(error.to_string().contains("--features fleet"), "{error}");
    }

    #[cfg(feature = "s3")]
    #[tokio::test]
    async fn a_client_of_an_encrypted_server_is_made_and_speaks_tls() {
        use tokio::io::AsyncReadExt;

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let hello = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut first = [0; 3];
            stream.read_exact(&mut first).await.unwrap();
            first
        });
        let mut storage = ObjectStorage::at("s3://bucket/some/prefix");
        storage.endpoint = Some(format!("https://{address}"));
        storage.access_key_id = Some("id".into());
        storage.secret_access_key = Some("secret".into());
        storage.retries_max = 0;
        let (store, prefix) = storage.open().unwrap();
        assert_eq!(prefix, Path::from("some/prefix"));
        assert!(store.get(&prefix.join("x")).await.is_err(), "the server hangs up");
        // A TLS handshake record, version 3.x.
        assert_eq!(hello.await.unwrap()[..2], [0x16, 0x03]);
    }

    #[cfg(feature = "s3")]
    #[test]
    fn half_a_key_and_plain_http_are_refused() {
        let mut storage = ObjectStorage::at("s3://bucket");
        storage.endpoint = Some("http://127.0.0.1:1".into());
        storage.access_key_id = Some("id".into());
        let error = storage.open().unwrap_err();
        assert!(matches!(error, ObjectStorageError::HalfAKey), "{error}");
        storage.secret_access_key = Some("secret".into());
        let error = storage.open().unwrap_err();
        assert!(matches!(error, ObjectStorageError::PlainHttp { .. }), "{error}");
        storage.allow_http = true;
        assert!(storage.open().is_ok());
    }
}
