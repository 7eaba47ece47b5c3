//! `ceteris demo`: a simulated shop, its events, a model, decisions, and the truth beside them.

use ceteris_demo::{On, Options};
use ceteris_house::Scratch;
use ceteris_terminal::{Format, print};

use crate::cli::Demo;

pub(crate) async fn run(format: Format, args: Demo) -> anyhow::Result<()> {
    let scratch = Scratch::new(args.data_dir.as_deref(), "demo")?;
    let options = Options {
        users: args.users,
        seed: args.seed,
        on: match args.fleet {
            true => On::Fleet,
            false => On::House {
                folder: scratch.path().to_path_buf(),
                listen: args.listen,
                metrics_listen: args.metrics_listen,
            },
        },
    };
    let demo = ceteris_demo::run(&options).await?;
    print(format, &demo.report, || demo.text.clone())?;
    if args.once {
        return demo.stop().await;
    }
    eprintln!(
        "\nserving until Ctrl-C{}; the next decision:\n\ncurl -s {}/v1/decide -H 'content-type: application/json' -d '{}'",
        demo.metrics()
            .map_or(String::new(), |at| format!(" (metrics on http://{at}/metrics)")),
        demo.api(),
        serde_json::to_string(&demo.next)?
    );
    demo.serve().await
}
