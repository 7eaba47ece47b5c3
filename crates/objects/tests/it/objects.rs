//! Reading, overwriting, listing and deleting, in a folder.

use ceteris_objects::{Created, Listing, ObjectError, Objects};

#[tokio::test]
async fn a_folder_holds_what_was_put_there() {
    let folder = tempfile::tempdir().unwrap();
    let objects = Objects::in_folder(&folder.path().join("new")).unwrap();
    assert_eq!(objects.get("a/one").await.unwrap(), None);
    assert!(!objects.exists("a/one").await.unwrap());
    assert_eq!(objects.list("a").await.unwrap(), Listing::default());

    assert_eq!(objects.create("a/one", "1".into()).await.unwrap(), Created::Same);
    objects.put("a/two", "2".into()).await.unwrap();
    objects.put("a/two", "II".into()).await.unwrap();
    objects.put("a/b/three", "3".into()).await.unwrap();
    assert!(objects.exists("a/one").await.unwrap());
    assert_eq!(objects.get("a/two").await.unwrap(), Some("II".into()));
    let listing = Listing {
        folders: vec!["b".to_owned()],
        files: vec!["one".to_owned(), "two".to_owned()],
    };
    assert_eq!(objects.list("a").await.unwrap(), listing);

    objects.delete("a/one").await.unwrap();
    objects.delete("a/one").await.unwrap();
    assert_eq!(objects.get("a/one").await.unwrap(), None);
}

#[test]
fn a_root_that_is_no_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    let error = Objects::in_folder(&file).unwrap_err();
    assert!(matches!(error, ObjectError::Folder { .. }), "{error:?}");
}
