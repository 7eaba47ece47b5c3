//! All services at work on a new folder.

use std::sync::Arc;

use ceteris_contract::problem::Problem;
use ceteris_house::{DataFolder, House, Origin, any_port};
use ceteris_testkit::http;

const PROBLEM: &str = include_str!("../../../../deploy/problems/ecommerce.yaml");

#[tokio::test(flavor = "multi_thread")]
async fn a_house_serves_stops_and_starts_again() {
    let home = tempfile::tempdir().unwrap();
    let problem = Problem::from_yaml(PROBLEM).unwrap();
    let folder = DataFolder::open(home.path(), Origin::Real).await.unwrap();
    let put = folder
        .registry
        .put_problem(&problem.name, PROBLEM, folder.clock.now());
    put.await.unwrap();
    drop(folder);
    for _ in 0..2 {
        let folder = DataFolder::open(home.path(), Origin::Real).await.unwrap();
        let problems: Vec<Arc<Problem>> = folder.problems().await.unwrap();
        assert_eq!(problems.len(), 1);
        let mut house = House::start(folder, &problems, any_port(), any_port())
            .await
            .unwrap();
        let (status, health) = http::get(house.addresses.api, "/health").await.unwrap();
        assert_eq!(status, 200, "{health}");
        assert!(health.contains("ecommerce"), "{health}");
        let (status, metrics) = http::get(house.addresses.metrics, "/metrics").await.unwrap();
        assert_eq!(status, 200);
        assert!(metrics.contains("ceteris_tracker_"), "{metrics}");
        assert_eq!(house.ports.api, format!("http://{}", house.addresses.api));
        house.check().await.unwrap();
        house.stop().await.unwrap();
    }
}
