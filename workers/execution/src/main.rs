//! The execution worker's program.

use pitcrew::transport::Transports;
use pitcrew_execution::Execution;

fn main() -> anyhow::Result<()> {
    pitcrew::stage::program("pitcrew-execution", async |process, broker| Execution {
        transports: Transports::all(broker, &process.id),
    })
}
