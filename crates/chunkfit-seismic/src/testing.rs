//! What several tests need.

use pulp::Arch;

/// The portable instructions, and each set of others that this processor has.
pub(crate) fn every_arch() -> Vec<Arch> {
    let mut all = vec![Arch::Scalar];
    #[cfg(target_arch = "x86_64")]
    {
        all.extend(pulp::x86::V3::try_new().map(Arch::V3));
        all.extend(pulp::x86::V4::try_new().map(Arch::V4));
    }
    all
}
