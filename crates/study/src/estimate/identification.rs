//! What the graph says of the claim that an estimate rests on.

use ceteris_graph::Graph;
use ceteris_graph::identify::{Conditioning, Query, Strategy, identify, valid_conditioning};
use serde::{Serialize, Serializer};

use super::question::{EstimateQuestion, Method};
use crate::error::{StudyError, question};

/// What an estimate's claim rests on.
#[derive(Clone, Debug, PartialEq)]
pub enum AssumedOrProven {
    /// There is no graph; the claim is the asker's.
    Assumed,
    /// The covariates close every back-door path.
    Conditioning(Conditioning),
    /// The instrument is one in the graph.
    Instrument(InstrumentProof),
    /// The mediators are a front door in the graph.
    FrontDoor(FrontDoorProof),
}

/// The proof that an instrument is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InstrumentProof {
    /// `iv`.
    pub strategy: &'static str,
    /// The instrument.
    pub instrument: String,
    /// What it is one given.
    pub given: Vec<String>,
    /// What the graph cannot prove and the method needs.
    pub assumptions: Vec<&'static str>,
    /// The proof in one sentence.
    pub proof: String,
}

/// The proof that mediators are a front door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FrontDoorProof {
    /// `frontdoor`.
    pub strategy: &'static str,
    /// The mediators.
    pub mediators: Vec<String>,
    /// What they are one given.
    pub given: Vec<String>,
    /// What the graph cannot prove and the method needs: nothing.
    pub assumptions: Vec<&'static str>,
    /// The proof in one sentence.
    pub proof: String,
}

impl AssumedOrProven {
    /// The proof in one sentence, if there is one.
    pub fn proof(&self) -> Option<&str> {
        match self {
            AssumedOrProven::Assumed => None,
            AssumedOrProven::Conditioning(found) => Some(&found.proof),
            AssumedOrProven::Instrument(found) => Some(&found.proof),
            AssumedOrProven::FrontDoor(found) => Some(&found.proof),
        }
    }
}

impl Serialize for AssumedOrProven {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            AssumedOrProven::Assumed => serializer.serialize_str("assumed"),
            AssumedOrProven::Conditioning(found) => found.serialize(serializer),
            AssumedOrProven::Instrument(found) => found.serialize(serializer),
            AssumedOrProven::FrontDoor(found) => found.serialize(serializer),
        }
    }
}

impl EstimateQuestion {
    /// The proof by the graph; without one, the claim is the asker's.
    ///
    /// # Errors
    /// A claim that the graph does not prove, with what it has instead.
    pub fn identification(&self, graph: Option<&Graph>) -> Result<AssumedOrProven, StudyError> {
        let Some(graph) = graph else {
            return Ok(AssumedOrProven::Assumed);
        };
        match self.method {
            Method::Pliv | Method::Iivm => self.instrument_of(graph),
            Method::Frontdoor => self.front_door_of(graph),
            Method::Plr | Method::Irm | Method::Dose | Method::Matching => {
                let proof = valid_conditioning(graph, &self.treatment, &self.outcome, &self.covariates);
                let proof = proof.map_err(|witness| {
                    question(format!(
                        "--covariates do not identify the effect in the graph: {witness}"
                    ))
                })?;
                Ok(AssumedOrProven::Conditioning(proof))
            }
        }
    }

    fn query(&self, strategy: Strategy) -> Query {
        Query::new(self.treatment.clone(), self.outcome.clone())
            .given(self.covariates.clone())
            .by(strategy)
    }

    fn inside(&self, given: &[String]) -> bool {
        given.iter().all(|node| self.covariates.contains(node))
    }

    fn instrument_of(&self, graph: &Graph) -> Result<AssumedOrProven, StudyError> {
        let answer =
            identify(graph, &self.query(Strategy::Iv)).map_err(|error| question(error.to_string()))?;
        let named = self.instrument.as_deref().unwrap_or_default();
        let proven = answer
            .instrument_sets
            .iter()
            .find(|s| s.instrument == named && self.inside(&s.given));
        let Some(set) = proven else {
            return Err(question(format!(
                "--instrument {named}: is no instrument in the graph given the covariates; it has: {}",
                or_none(&answer.instruments)
            )));
        };
        let assumption = match self.method {
            Method::Iivm => "monotonicity",
            _ => "one effect for all",
        };
        Ok(AssumedOrProven::Instrument(InstrumentProof {
            strategy: "iv",
            instrument: named.to_owned(),
            given: set.given.clone(),
            assumptions: vec![assumption],
            proof: format!(
                "{named} reaches {} only through {} given the covariates",
                self.outcome, self.treatment
            ),
        }))
    }

    fn front_door_of(&self, graph: &Graph) -> Result<AssumedOrProven, StudyError> {
        let query = self.query(Strategy::Frontdoor);
        let answer = identify(graph, &query).map_err(|error| question(error.to_string()))?;
        let same = |mediators: &[String]| {
            mediators.len() == self.mediator.len() && mediators.iter().all(|m| self.mediator.contains(m))
        };
        let proven = answer
            .front_door_sets
            .iter()
            .find(|s| same(&s.mediators) && self.inside(&s.given));
        let Some(set) = proven else {
            let doors: Vec<String> = answer
                .front_door_sets
                .iter()
                .map(|s| format!("{{{}}}", s.mediators.join(", ")))
                .collect();
            return Err(question(format!(
                "--mediator {}: is no front door in the graph given the covariates; it has: {}",
                self.mediator.join(","),
                or_none(&doors)
            )));
        };
        Ok(AssumedOrProven::FrontDoor(FrontDoorProof {
            strategy: "frontdoor",
            mediators: set.mediators.clone(),
            given: set.given.clone(),
            assumptions: Vec::new(),
            proof: format!(
                "all of the effect of {} on {} passes {}, which share no open back door with either given the covariates",
                self.treatment,
                self.outcome,
                self.mediator.join(", ")
            ),
        }))
    }
}

fn or_none(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
