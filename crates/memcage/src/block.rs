use crate::CageError;
use crate::group::{Group, Home, Nest, Version};
use crate::proc::{Proc, page_bytes};
use crate::verdict::Limit;

/// The groups of a cage, shared with the inmates in them.
#[derive(Debug)]
pub(crate) struct Block {
    nest: Nest,
    cage: Group,
    above: Group,
    home: Home,
    total: Option<u64>,
}

/// How often limits were hit: the inmate's, the cage's, and those above.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Alarms {
    pub(crate) inmate: u64,
    pub(crate) cage: u64,
    pub(crate) above: u64,
}

impl Block {
    /// Makes the groups of `nest`, which is below `home`, with a limit on all together.
    ///
    /// `helper` is the process that must not be in the way. On failure, what was made is removed.
    pub(crate) fn build(
        nest: Nest,
        home: Home,
        helper: u32,
        total: Option<u64>,
    ) -> Result<Self, CageError> {
        let cage = nest.build(Some(helper))?;
        if let Err(error) = total.map_or(Ok(()), |bytes| cage.set_limit(bytes)) {
            nest.remove()?;
            return Err(error);
        }
        let above = nest.home().with_alarm();
        Ok(Self { nest, cage, above, home, total })
    }

    pub(crate) fn nest(&self) -> &Nest {
        &self.nest
    }

    /// Moves the calling process into the cage, and takes what it holds from the room of the others.
    ///
    /// Its pages stay charged to the group that it comes from, whose limit is not ours.
    pub(crate) fn enter(&self, proc: &Proc) -> Result<(), CageError> {
        if let Some(total_bytes) = self.total {
            let held = proc.kib_field("self/status", "RssAnon");
            let held_bytes = held.map_err(|source| CageError::Proc { source })?;
            // A limit below what is in use makes the kernel of v2 kill.
            let idle = self.cage.idle_cache().unwrap_or(0);
            let usage = self.cage.usage().map_err(CageError::group("read", self.cage.dir()))?;
            let inmates_bytes = usage.saturating_sub(idle);
            let room = total_bytes.saturating_sub(held_bytes);
            if room < inmates_bytes.max(page_bytes()) {
                return Err(CageError::TotalTooSmall { total_bytes, held_bytes, inmates_bytes });
            }
            self.cage.set_limit(room)?;
        }
        self.nest.enter()
    }

    /// The alarms of now. Repeats while they change, for the three to be of one moment.
    pub(crate) fn alarms(&self, cell: &Group) -> Alarms {
        let read = || Alarms {
            above: self.alarms_above(),
            cage: self.cage.alarms().unwrap_or(0),
            inmate: cell.alarms().unwrap_or(0),
        };
        let mut last = read();
        for _ in 0..8 {
            let now = read();
            if now == last {
                break;
            }
            last = now;
        }
        last
    }

    fn alarms_above(&self) -> u64 {
        match self.nest.version() {
            // Includes those above it.
            Version::V1 => self.above.alarms().unwrap_or(0),
            Version::V2 => self.home.ancestors().filter_map(|group| group.alarms().ok()).sum(),
        }
    }

    /// Which limit, of how many bytes, the processes of `cell` were killed for, whose own limit is
    /// `limit`.
    pub(crate) fn limit_hit(
        &self,
        cell: &Group,
        limit: Option<u64>,
        before: Alarms,
    ) -> (Limit, u64) {
        let hit = match cell.alarms() {
            Ok(_) => which(self.nest.version(), before, self.alarms(cell)),
            Err(_) => guess(cell.peak().unwrap_or(0), limit, self.total),
        };
        let above = || self.home.limit().map(|bytes| (Limit::Above, bytes));
        let known = match hit {
            Some(Limit::Inmate) => limit.map(|bytes| (Limit::Inmate, bytes)),
            Some(Limit::Total) => self.total.map(|bytes| (Limit::Total, bytes)).or_else(above),
            Some(Limit::Above) => above(),
            _ => None,
        };
        known.unwrap_or_else(|| {
            let machine = Proc::real().kib_field("meminfo", "MemTotal");
            (Limit::Machine, machine.unwrap_or(u64::MAX))
        })
    }
}

/// Where the kernel does not tell: the own limit if it was reached, though by cache perhaps.
fn guess(peak: u64, limit: Option<u64>, total: Option<u64>) -> Option<Limit> {
    /// A peak can end this much below the limit.
    const STOCK: u64 = 1 << 20;
    let own = limit.filter(|&limit| peak.saturating_add(STOCK) >= limit).map(|_| Limit::Inmate);
    own.or(total.map(|_| Limit::Total))
}

/// The limit that was hit between two readings. None of them means that the machine was full.
fn which(version: Version, before: Alarms, after: Alarms) -> Option<Limit> {
    let rose = |now: u64, then: u64| now.saturating_sub(then);
    let mut inmate = rose(after.inmate, before.inmate);
    let mut cage = rose(after.cage, before.cage);
    let above = rose(after.above, before.above);
    if version == Version::V1 {
        // An alarm rings in the group with the limit and in all below.
        inmate = inmate.saturating_sub(cage);
        cage = cage.saturating_sub(above);
    }
    let counts = [(Limit::Inmate, inmate), (Limit::Total, cage), (Limit::Above, above)];
    counts.into_iter().find(|(_, count)| *count > 0).map(|(limit, _)| limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_of_v1_ring_downwards() {
        let alarms = |inmate, cage, above| Alarms { inmate, cage, above };
        let v1 = |after| which(Version::V1, alarms(0, 5, 2), after);
        assert_eq!(v1(alarms(1, 5, 2)), Some(Limit::Inmate));
        assert_eq!(v1(alarms(1, 6, 2)), Some(Limit::Total));
        assert_eq!(v1(alarms(1, 6, 3)), Some(Limit::Above));
        assert_eq!(v1(alarms(2, 6, 2)), Some(Limit::Inmate));
        assert_eq!(v1(alarms(0, 5, 2)), None);
        let v2 = |after| which(Version::V2, alarms(0, 5, 2), after);
        assert_eq!(v2(alarms(0, 6, 2)), Some(Limit::Total));
        assert_eq!(v2(alarms(1, 6, 2)), Some(Limit::Inmate));
        assert_eq!(v2(alarms(0, 5, 3)), Some(Limit::Above));
        assert_eq!(v2(alarms(0, 5, 2)), None);
    }
    #[test]
    fn without_alarms_the_peak_is_a_hint() {
        let mib = |number: u64| number << 20;
        let limits = |peak, limit, total| guess(mib(peak), limit, total);
        assert_eq!(limits(63, Some(mib(64)), Some(mib(96))), Some(Limit::Inmate));
        assert_eq!(limits(40, Some(mib(64)), Some(mib(96))), Some(Limit::Total));
        assert_eq!(limits(40, Some(mib(64)), None), None);
        assert_eq!(limits(40, None, None), None);
    }
}
