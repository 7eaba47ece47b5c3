//! Datasets in object storage, and the hand-over between those who ask for them, make them and train on them.
//!
//! Every step leaves one object that is written once, so that a worker killed at any moment leaves what the next one goes
//! on from, and two at the same step do no harm:
//!
//! ```text
//! requests/<problem>/<id>.json       what is asked for; gone once it is answered
//! pins/<problem>/<id>.json           the versions that answer it: whoever does the work makes the same rows
//! answers/<problem>/<id>.json        the dataset's digest, or why there is none
//! datasets/<problem>/<digest>.parquet, .json   the rows; then their card, without which they do not exist
//! models/<problem>/<digest>.json     what became of the dataset with that digest
//! ```

mod card;
mod request;
mod training;

use std::sync::Arc;

use ceteris_contract::dataset::Dataset;
use ceteris_objects::{Created, Objects, checked_name};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;
use object_store::path::Path;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use card::DatasetCard;
pub use request::{Answer, Answered, DatasetRequest, Pending, Pin};
pub use training::Training;

use crate::dataset::{DatasetInfo, encode_dataset, read_dataset};
use crate::error::LakeError;

/// Small objects read at once.
const READS_AT_ONCE: usize = 16;

/// Requests, datasets and what became of them, under one root. Clones share the store.
#[derive(Clone, Debug)]
pub struct Datasets {
    objects: Objects,
}

impl Datasets {
    /// Those in a folder, which is created where it is missing.
    ///
    /// # Errors
    /// [`LakeError::Object`].
    pub fn open(folder: impl AsRef<std::path::Path>) -> Result<Datasets, LakeError> {
        let objects = Objects::in_folder(folder.as_ref())?;
        Ok(Datasets { objects })
    }

    /// Those under `prefix` of any object store that can put only if absent.
    pub fn over(store: Arc<dyn ObjectStore>, prefix: Path) -> Datasets {
        Datasets {
            objects: Objects::new(store, prefix),
        }
    }

    /// The value at `relative`, or none.
    async fn get<T: DeserializeOwned>(&self, relative: &str) -> Result<Option<T>, LakeError> {
        let found = self.objects.get(relative).await?;
        found.map(|json| parse(relative, &json)).transpose()
    }

    /// Puts a value where there is none yet, and gives the one that stands there afterwards: this one, or an earlier one.
    async fn create<T: Serialize + DeserializeOwned + Clone>(
        &self,
        relative: &str,
        value: &T,
    ) -> Result<T, LakeError> {
        let json = serde_json::to_vec_pretty(value).map_err(|error| LakeError::encode("an object", error))?;
        match self.objects.create(relative, json.into()).await? {
            Created::Same => Ok(value.clone()),
            Created::Other(found) => parse(relative, &found),
        }
    }

    /// The JSON files right below a folder, without their ending, in name order.
    async fn json_files(&self, relative: &str) -> Result<Vec<String>, LakeError> {
        let files = self.objects.list(relative).await?.files;
        let name = |file: String| file.strip_suffix(".json").map(str::to_owned);
        let mut names: Vec<String> = files.into_iter().filter_map(name).collect();
        // The ending took part in the listing's order.
        names.sort();
        Ok(names)
    }

    /// Asks for a dataset and gives the request's id, which follows from its content: asking again changes nothing, also
    /// after it was answered.
    ///
    /// # Errors
    /// [`LakeError::Object`]: a name that cannot stand in a path, and whatever the store answers.
    pub async fn request(&self, request: &DatasetRequest) -> Result<String, LakeError> {
        let id = request.id();
        if self.answered(&request.problem, &id).await?.is_none() {
            let file = format!("requests/{}/{id}.json", checked_name(&request.problem)?);
            self.create(&file, request).await?;
        }
        Ok(id)
    }

    /// What is asked for and not answered, the oldest `as_of` first.
    ///
    /// # Errors
    /// Whatever the store answers.
    pub async fn pending(&self) -> Result<Vec<Pending>, LakeError> {
        let mut reads = Vec::new();
        for problem in self.objects.list("requests").await?.folders {
            for id in self.json_files(&format!("requests/{problem}")).await? {
                reads.push(self.pending_one(problem.clone(), id));
            }
        }
        let pending: Vec<Option<Pending>> = stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await?;
        let mut pending: Vec<Pending> = pending.into_iter().flatten().collect();
        pending.sort_by_key(Pending::order);
        Ok(pending)
    }

    async fn pending_one(&self, problem: String, id: String) -> Result<Option<Pending>, LakeError> {
        let file = format!("requests/{problem}/{id}.json");
        let request = match self.get::<DatasetRequest>(&file).await {
            // Answered since it was listed.
            Ok(None) => return Ok(None),
            Ok(Some(request)) if request.problem != problem => {
                Err(format!("it asks for {}, but lies in {problem}", request.problem))
            }
            Ok(Some(request)) => Ok(request),
            Err(LakeError::MalformedFile { source, .. }) => Err(source.to_string()),
            Err(error) => return Err(error),
        };
        Ok(Some(Pending { problem, id, request }))
    }

    /// Fixes what answers a request, and gives what was fixed first: by this call, or by an earlier one.
    ///
    /// # Errors
    /// Whatever the store answers.
    pub async fn pin(&self, problem: &str, id: &str, pin: &Pin) -> Result<Pin, LakeError> {
        self.create(&pin_file(problem, id)?, pin).await
    }

    /// What was fixed for a request.
    ///
    /// # Errors
    /// Whatever the store answers.
    pub async fn pinned(&self, problem: &str, id: &str) -> Result<Option<Pin>, LakeError> {
        self.get(&pin_file(problem, id)?).await
    }

    /// Answers a request, once and for all, and takes it off the list; gives the answer that stands.
    ///
    /// # Errors
    /// Whatever the store answers.
    pub async fn answer(&self, problem: &str, id: &str, answered: &Answered) -> Result<Answered, LakeError> {
        let stands = self.create(&answer_file(problem, id)?, answered).await?;
        self.objects
            .delete(&format!("requests/{problem}/{id}.json"))
            .await?;
        Ok(stands)
    }

    /// The answer to a request.
    ///
    /// # Errors
    /// Whatever the store answers.
    pub async fn answered(&self, problem: &str, id: &str) -> Result<Option<Answered>, LakeError> {
        self.get(&answer_file(problem, id)?).await
    }

    /// Keeps a dataset under its digest: the rows, then the card. A card that is there already stays.
    ///
    /// # Errors
    /// [`LakeError::Encode`], and whatever the store answers.
    pub async fn write(
        &self,
        dataset: Dataset,
        info: DatasetInfo,
        card: &DatasetCard,
    ) -> Result<(), LakeError> {
        let encoded = tokio::task::spawn_blocking(move || encode_dataset(&dataset, &info));
        let bytes = encoded.await.map_err(|source| LakeError::Worker { source })??;
        let rows = rows_file(&card.problem, &card.digest)?;
        self.objects.put(&rows, bytes).await?;
        self.create(&card_file(&card.problem, &card.digest)?, card)
            .await?;
        Ok(())
    }

    /// The digests of a problem's datasets, in name order.
    ///
    /// # Errors
    /// Whatever the store answers.
    pub async fn list(&self, problem: &str) -> Result<Vec<String>, LakeError> {
        let folder = format!("datasets/{}", checked_name(problem)?);
        self.json_files(&folder).await
    }

    /// The problems that have datasets, in name order.
    ///
    /// # Errors
    /// Whatever the store answers.
    pub async fn problems(&self) -> Result<Vec<String>, LakeError> {
        Ok(self.objects.list("datasets").await?.folders)
    }

    /// What is known of a dataset besides its rows.
    ///
    /// # Errors
    /// Whatever the store answers.
    pub async fn card(&self, problem: &str, digest: &str) -> Result<Option<DatasetCard>, LakeError> {
        self.get(&card_file(problem, digest)?).await
    }

    /// The rows of a dataset, checked against the digest that names them.
    ///
    /// # Errors
    /// [`LakeError::CorruptDataset`], [`LakeError::MalformedFile`], and whatever the store answers.
    pub async fn read(&self, problem: &str, digest: &str) -> Result<Dataset, LakeError> {
        let path = self.objects.path(&rows_file(problem, digest)?);
        let (dataset, _) = read_dataset(&**self.objects.store(), &path).await?;
        let found = dataset.digest();
        match found == digest {
            true => Ok(dataset),
            false => Err(LakeError::CorruptDataset {
                path: path.to_string(),
                expected: digest.to_owned(),
                found,
            }),
        }
    }

    /// The datasets of a problem that nothing has become of yet, the newest `as_of` first.
    ///
    /// # Errors
    /// Whatever the store answers.
    pub async fn untrained(&self, problem: &str) -> Result<Vec<DatasetCard>, LakeError> {
        let folder = format!("models/{}", checked_name(problem)?);
        let trained = self.json_files(&folder).await?;
        let mut digests = self.list(problem).await?;
        digests.retain(|digest| trained.binary_search(digest).is_err());
        let reads: Vec<_> = digests.iter().map(|digest| self.card(problem, digest)).collect();
        let cards: Vec<Option<DatasetCard>> =
            stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await?;
        let mut cards: Vec<DatasetCard> = cards.into_iter().flatten().collect();
        cards.sort_by(|a, b| (b.as_of, &b.digest).cmp(&(a.as_of, &a.digest)));
        Ok(cards)
    }

    /// Records what became of a dataset, once and for all; gives the record that stands.
    ///
    /// # Errors
    /// Whatever the store answers.
    pub async fn record(
        &self,
        problem: &str,
        digest: &str,
        training: &Training,
    ) -> Result<Training, LakeError> {
        self.create(&model_file(problem, digest)?, training).await
    }

    /// What became of a dataset.
    ///
    /// # Errors
    /// Whatever the store answers.
    pub async fn training(&self, problem: &str, digest: &str) -> Result<Option<Training>, LakeError> {
        self.get(&model_file(problem, digest)?).await
    }
}

fn parse<T: DeserializeOwned>(relative: &str, json: &[u8]) -> Result<T, LakeError> {
    serde_json::from_slice(json).map_err(|error| LakeError::file(relative, error))
}

fn pin_file(problem: &str, id: &str) -> Result<String, LakeError> {
    Ok(format!(
        "pins/{}/{}.json",
        checked_name(problem)?,
        checked_name(id)?
    ))
}

fn answer_file(problem: &str, id: &str) -> Result<String, LakeError> {
    Ok(format!(
        "answers/{}/{}.json",
        checked_name(problem)?,
        checked_name(id)?
    ))
}

fn rows_file(problem: &str, digest: &str) -> Result<String, LakeError> {
    Ok(format!(
        "datasets/{}/{}.parquet",
        checked_name(problem)?,
        checked_name(digest)?
    ))
}

fn card_file(problem: &str, digest: &str) -> Result<String, LakeError> {
    Ok(format!(
        "datasets/{}/{}.json",
        checked_name(problem)?,
        checked_name(digest)?
    ))
}

fn model_file(problem: &str, digest: &str) -> Result<String, LakeError> {
    Ok(format!(
        "models/{}/{}.json",
        checked_name(problem)?,
        checked_name(digest)?
    ))
}
