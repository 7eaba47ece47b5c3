//! `ceteris estimate`: double machine learning of arms and doses, instruments, the front door and matching on a table
//! of the user's own.

pub(crate) mod args;
mod arms;
mod data;
mod dose;
mod flags;
mod learners;
mod methods;
mod proof;
mod report;
mod rows;
mod text;

use ceteris_causal::dml::DmlParams;

use self::args::{Estimate, MethodArg};
use self::data::Data;
use self::learners::refused;
use crate::cli::Format;
use crate::output::print;

pub(crate) fn run(format: Format, args: &Estimate) -> anyhow::Result<()> {
    args.check()?;
    let identification = proof::identification(args)?;
    let data = Data::read(args)?;
    let params = DmlParams {
        folds: data.folds.clone(),
        repeats: args.repeats as usize,
        seed: args.seed,
        clip: args.clip,
        trim: args.trim,
    };
    let params = params.check().map_err(refused)?;
    let report = match args.method {
        MethodArg::Plr => methods::plr(args, &data, &params)?,
        MethodArg::Irm => match data.several_arms() {
            Some(several) => arms::irm(args, &data, several, &params)?,
            None => methods::irm(args, &data, &params)?,
        },
        MethodArg::Dose => dose::dose(args, &data, &params)?,
        MethodArg::Pliv => methods::pliv(args, &data, &params)?,
        MethodArg::Iivm => methods::iivm(args, &data, &params)?,
        MethodArg::Frontdoor => methods::through_mediators(args, &data, &params)?,
        MethodArg::Matching => methods::neighbours(args, &data)?,
    };
    let document = report.document(args, &data, identification);
    print(format, &document, || text::text(args, &document))
}
