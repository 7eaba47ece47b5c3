//! Rows of the table `decisions`: the decision record as JSON, and beside it the columns people filter by.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, Float64Array, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use ceteris_contract::identity::Unit;
use ceteris_contract::record::DecisionRecord;
use ceteris_contract::time::Timestamp;

use crate::parquet_file::Fault;
use crate::row::{
    Columns, LogColumns, LogPosition, Row, instant, instants, log_columns, log_fields, read_unit, texts,
    units,
};

/// One logged decision.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionRow {
    /// Unique per decision.
    pub decision_id: String,
    /// Whom it was for.
    pub unit: Unit,
    /// The decision instant.
    pub ts: Timestamp,
    /// When the log took it.
    pub arrived_at: Timestamp,
    /// The problem's name.
    pub problem: String,
    /// The arm recommended; none: nothing was given.
    pub recommended: Option<String>,
    /// Probability with which the policy gave this arm.
    pub propensity: f64,
    /// The whole decision record as JSON.
    pub payload: String,
    /// Where it came from; none for rows that never were in a log.
    pub log: Option<LogPosition>,
}

impl DecisionRow {
    /// The row of a decision record.
    ///
    /// # Errors
    /// Where the record cannot be written as JSON.
    pub fn of(
        record: &DecisionRecord,
        arrived_at: Timestamp,
        log: Option<LogPosition>,
    ) -> Result<Self, serde_json::Error> {
        Ok(DecisionRow {
            decision_id: record.decision_id.clone(),
            unit: record.unit,
            ts: record.decided_at,
            arrived_at,
            problem: record.problem.clone(),
            recommended: record.decision.recommended_treatment.clone(),
            propensity: record.decision.propensity,
            payload: serde_json::to_string(record)?,
            log,
        })
    }

    /// The decision record.
    ///
    /// # Errors
    /// Where the payload is none that this build knows.
    pub fn record(&self) -> Result<DecisionRecord, serde_json::Error> {
        serde_json::from_str(&self.payload)
    }
}

impl Row for DecisionRow {
    const TABLE: &'static str = "decisions";

    fn unit(&self) -> Unit {
        self.unit
    }

    fn ts(&self) -> Timestamp {
        self.ts
    }

    fn schema() -> SchemaRef {
        let mut fields = vec![
            Field::new("decision_id", DataType::Utf8, false),
            Field::new("unit", DataType::Utf8, false),
            Field::new("shard", DataType::Int32, false),
            Field::new("ts", instant(), false),
            Field::new("arrived_at", instant(), false),
            Field::new("problem", DataType::Utf8, false),
            Field::new("recommended", DataType::Utf8, true),
            Field::new("propensity", DataType::Float64, false),
            Field::new("payload", DataType::Utf8, false),
        ];
        fields.extend(log_fields());
        Arc::new(Schema::new(fields))
    }

    fn encode(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let [unit, shard] = units(rows.iter().map(|row| row.unit));
        let [topic, partition, offset] = log_columns(rows.iter().map(|row| row.log.as_ref()));
        let recommended: StringArray = rows.iter().map(|row| row.recommended.as_deref()).collect();
        let propensity: Float64Array = rows.iter().map(|row| Some(row.propensity)).collect();
        RecordBatch::try_new(
            Self::schema(),
            vec![
                texts(rows.iter().map(|row| row.decision_id.as_str())),
                unit,
                shard,
                instants(rows.iter().map(|row| row.ts)),
                instants(rows.iter().map(|row| row.arrived_at)),
                texts(rows.iter().map(|row| row.problem.as_str())),
                Arc::new(recommended),
                Arc::new(propensity),
                texts(rows.iter().map(|row| row.payload.as_str())),
                topic,
                partition,
                offset,
            ],
        )
    }
}

/// Adds the decisions of a batch to `rows`, in file order.
pub(crate) fn collect_decisions(batch: &RecordBatch, rows: &mut Vec<DecisionRow>) -> Result<(), Fault> {
    let columns = Columns(batch);
    let (ids, keys) = (columns.texts("decision_id")?, columns.texts("unit")?);
    let (shards, problems) = (columns.ints("shard")?, columns.texts("problem")?);
    let (ts, arrived_at) = (columns.instants("ts")?, columns.instants("arrived_at")?);
    let (recommended, payloads) = (columns.texts("recommended")?, columns.texts("payload")?);
    let propensity = columns.find("propensity", |column| column.as_primitive_opt::<Float64Type>())?;
    let log = LogColumns::of(columns)?;
    for row in 0..batch.num_rows() {
        rows.push(DecisionRow {
            decision_id: ids.value(row).to_owned(),
            unit: read_unit(keys.value(row), shards.value(row))?,
            ts: Timestamp(ts[row]),
            arrived_at: Timestamp(arrived_at[row]),
            problem: problems.value(row).to_owned(),
            recommended: recommended
                .is_valid(row)
                .then(|| recommended.value(row).to_owned()),
            propensity: propensity.value(row),
            payload: payloads.value(row).to_owned(),
            log: log.get(row),
        });
    }
    Ok(())
}
