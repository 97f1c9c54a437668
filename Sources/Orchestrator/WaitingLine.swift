internal import Engine
internal import HeapModule
internal import Plan

/// Plans that wait for places with adapters, in the order of their turns: by priority, then by how
/// long they have waited since their last turn. What a turn costs does not depend on how many wait.
struct WaitingLine {
  /// Where a plan stands.
  struct Mark {
    fileprivate var number: UInt64
    fileprivate var priority: Int32
    fileprivate var isBlocked = false
  }

  private struct Place: Comparable {
    var priority: Int32
    var number: UInt64
    var entry: PlanEntry

    static func < (left: Place, right: Place) -> Bool {
      (right.priority, left.number) < (left.priority, right.number)
    }

    static func == (left: Place, right: Place) -> Bool { left.number == right.number }

    /// Not since the plan was given another one.
    var isCurrent: Bool { entry.placeInLine?.number == number }
  }

  /// Those to be tried next.
  private var places = Heap<Place>()
  /// Those that found no place of theirs since the last one became free anywhere.
  private var blocked: [Place] = []
  private var turnCount: UInt64 = 0

  /// Puts the plan at the end of its priority, unless it has a place there. One that was tried in
  /// vain is tried again: something else of it may have become ready.
  mutating func join(_ entry: PlanEntry) {
    let priority = entry.machine.creation.plan.priority
    if let mark = entry.placeInLine, mark.priority == priority, !mark.isBlocked { return }
    turnCount += 1
    entry.placeInLine = Mark(number: turnCount, priority: priority)
    places.insert(Place(priority: priority, number: turnCount, entry: entry))
  }

  /// Gives the next plan for which `isWaiting` its turn; false where there is none. `turn` answers
  /// whether the plan was given a place.
  mutating func giveTurn(
    isWaiting: (PlanEntry) -> Bool, _ turn: (PlanEntry) -> Bool
  ) -> Bool {
    while let place = places.popMin() {
      let entry = place.entry
      guard place.isCurrent else { continue }
      guard isWaiting(entry) else {
        entry.placeInLine = nil
        continue
      }
      let wasServed = turn(entry)
      if wasServed || !isWaiting(entry) {
        entry.placeInLine = nil
        if isWaiting(entry) { join(entry) }
      } else {
        entry.placeInLine?.isBlocked = true
        blocked.append(place)
      }
      return true
    }
    return false
  }

  /// A place may have become free: everybody is tried again.
  mutating func unblock() {
    for place in blocked where place.isCurrent {
      place.entry.placeInLine?.isBlocked = false
      places.insert(place)
    }
    blocked = []
  }

  /// Whether nobody waits. Lets those go at the head of the line that no longer do.
  mutating func isEmpty(isWaiting: (PlanEntry) -> Bool) -> Bool {
    while let place = places.min, !place.isCurrent || !isWaiting(place.entry) {
      if place.isCurrent { place.entry.placeInLine = nil }
      places.removeMin()
    }
    return places.isEmpty && !blocked.contains { $0.isCurrent && isWaiting($0.entry) }
  }
}
