//! The planning worker's program.

use pitcrew_planning::Planning;

fn main() -> anyhow::Result<()> {
    pitcrew::stage::program("pitcrew-planning", async |_, _| Planning)
}
