//! Dead letters: sent before the position passes the record they are about, so that nothing is lost between the two.

use ceteris_contract::topics::headers;
use ceteris_store::{Disposition, HasDisposition};
use ceteris_stream::{EventLog, NewRecord, StreamError};

/// Sends letters and empties the list; what is left in it after an error was not sent.
pub(crate) async fn send(
    log: &dyn EventLog,
    topic: &str,
    letters: &mut Vec<NewRecord>,
) -> Result<(), StreamError> {
    match log.produce(topic, letters.clone()).await {
        Ok(_) => {
            letters.clear();
            Ok(())
        }
        // With reason and origin added one of them has become larger than the log takes.
        Err(error) if error.disposition() == Disposition::Park => send_each(log, topic, letters).await,
        Err(error) => Err(error),
    }
}

async fn send_each(log: &dyn EventLog, topic: &str, letters: &mut Vec<NewRecord>) -> Result<(), StreamError> {
    while let Some(letter) = letters.last().cloned() {
        match log.produce(topic, vec![letter.clone()]).await {
            Err(error) if error.disposition() == Disposition::Park => {
                log.produce(topic, vec![without_content(letter)]).await?;
            }
            sent => drop(sent?),
        }
        letters.pop();
    }
    Ok(())
}

/// The letter without what makes it too large: its origin tells where the record itself lies.
fn without_content(letter: NewRecord) -> NewRecord {
    let ours = [headers::REASON, headers::DETAIL, headers::ORIGIN];
    NewRecord {
        headers: letter
            .headers
            .into_iter()
            .filter(|(name, _)| ours.contains(&name.as_str()))
            .collect(),
        timestamp_us: letter.timestamp_us,
        ..NewRecord::default()
    }
}
