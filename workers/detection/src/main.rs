//! The detection worker's program.

use pitcrew::transport::Transports;
use pitcrew_detection::Detection;

fn main() -> anyhow::Result<()> {
    pitcrew::stage::program("pitcrew-detection", async |process, broker| Detection {
        transports: Transports::all(broker, &process.id),
    })
}
