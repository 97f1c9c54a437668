internal import Engine
internal import Plan

/// What runs say of their usage while they go on.
///
/// Each run's first word is written at once, later ones at most once in `usageMilliseconds`: an adapter
/// may say it with every piece of output. Nothing is written where nobody says anything.
extension Shard {
  func heard(_ usage: Usage, _ entry: PlanEntry, _ lease: TaskLease) {
    guard let send = entry.sends[lease.ordinal], send.lease == lease else { return }
    let writtenAt = send.usageWrittenAt ?? .min
    guard writtenAt > now - options.usageMilliseconds else {
      entry.sends[lease.ordinal]?.usageWrittenAt = now
      return apply(.used(lease, usage), to: entry)
    }
    let isArmed = !entry.unwrittenUsage.isEmpty
    entry.unwrittenUsage[lease.ordinal] = (lease, usage)
    guard !isArmed else { return }
    let id = entry.id
    arm(at: now + options.usageMilliseconds) { shard in
      shard.plans[id].map { shard.writeUsage($0) }
    }
  }

  /// Writes it before anything else happens to the plan, so that no end of a run leaves it out.
  func writeUsage(_ entry: PlanEntry) {
    let unwritten = entry.unwrittenUsage
    entry.unwrittenUsage = [:]
    for (ordinal, said) in unwritten.sorted(by: { $0.key < $1.key }) {
      entry.sends[ordinal]?.usageWrittenAt = now
      apply(.used(said.lease, said.usage), to: entry)
    }
  }
}
