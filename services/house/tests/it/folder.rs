//! What a data folder remembers, and what it refuses.

use ceteris_contract::time::Timestamp;
use ceteris_house::{DataFolder, Origin};
use ceteris_terminal::BadInput;

#[tokio::test]
async fn a_folder_stays_what_it_was_made_for() {
    let home = tempfile::tempdir().unwrap();
    let start = Timestamp(1_000_000);
    let made = DataFolder::open(home.path(), Origin::Simulated { start, seed: 7 })
        .await
        .unwrap();
    let unit = made.identity.unit("somebody");
    made.clock.observe(Timestamp(5_000_000));
    made.keep_clock().unwrap();
    drop(made);
    // What is asked for now changes nothing: the world goes on where it stood, with the same people.
    let again = DataFolder::open(home.path(), Origin::Real).await.unwrap();
    assert_eq!(again.settings.world_clock, Some(Timestamp(5_000_000)));
    assert_eq!(again.clock.now(), Timestamp(5_000_000));
    assert_eq!(again.identity.unit("somebody"), unit);
    assert_eq!(again.problems().await.unwrap().len(), 0);
}

#[tokio::test]
async fn another_key_is_the_callers_to_mend() {
    let home = tempfile::tempdir().unwrap();
    drop(DataFolder::open(home.path(), Origin::Real).await.unwrap());
    std::fs::write(home.path().join("secrets/identity"), [9u8; 32]).unwrap();
    let refused = DataFolder::open(home.path(), Origin::Real).await.err().unwrap();
    assert!(refused.is::<BadInput>(), "{refused:#}");
    assert!(refused.to_string().contains("restore it"), "{refused:#}");
}
