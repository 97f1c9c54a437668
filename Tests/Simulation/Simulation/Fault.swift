/// Something that goes wrong at one point of the world. Every point asks `FaultPlan` by name, so that
/// chance and enumerated mixes strike at the same places.
public enum Fault: Int, CaseIterable, Sendable {
  // The store.
  case crashBeforeCommit, crashAfterCommit, commitFails, commitFailsAfterAll, commitOutcomeUnknown
  case readFails
  // The orchestrator's process.
  case crash, crashWhileSending, stop, withdraw, pause, takeover, clockStepsForward, clockStepsBack
  // The queue.
  case hintLost, hintRepeated, hintLate, queueRefuses
  // Hand-outs, polls and cancels on their way.
  case handOutLost, handOutLate, handOutRepeated, handOutAnswerLost, handOutAnswerLate
  case pollLost, pollAnswerLost, pollAnswerLate, cancelLost, cancelLate
  // Results and heartbeats on their way.
  case reportLost, reportLate, reportRepeated, reportAnswerLost, reportAnswerLate
  case heartbeatLost, heartbeatLate, heartbeatAnswerLost, heartbeatAnswerLate
  // Callers.
  case callLost, callAnswerLost
  // Adapters.
  case adapterDies, adapterHangs, adapterLeaves, adapterBusy
  // Adapters that lie.
  case resultConflicts, resultUnderWrongToken, listLeavesOut, listInvents

  /// Its result may differ from what the task's script says.
  var isLie: Bool { self == .resultConflicts || self == .resultUnderWrongToken }
}

/// Which faults strike when.
struct FaultPlan {
  /// In a thousand, by fault; the faults of this seed.
  private var rates: [Int]
  /// Enumerated: strikes at exactly these occurrences of a point, from 1.
  private var wanted: [Int: Set<Int>] = [:]
  private var seen: [Int]
  private var isOver = false
  let hasLies: Bool

  /// Each seed has some of the faults, at rates of its own: a world with everything at once would
  /// hide what needs a long calm stretch.
  init(dice: inout Dice) {
    var rates = Fault.allCases.map { _ in 0 }
    seen = rates
    let density = [0, 150, 350, 700][dice.roll(4)]
    for index in rates.indices where dice.happens(perMille: density) {
      rates[index] = [5, 20, 60, 150][dice.roll(4)]
    }
    self.rates = rates
    hasLies = Fault.allCases.contains { [rates] in $0.isLie && rates[$0.index] > 0 }
  }

  /// A mix: each fault strikes at one occurrence of its point.
  init(mix: [(fault: Fault, occurrence: Int)]) {
    rates = Fault.allCases.map { _ in 0 }
    seen = rates
    for strike in mix { wanted[strike.fault.index, default: []].insert(strike.occurrence) }
    hasLies = mix.contains { $0.fault.isLie }
  }

  mutating func stop() { isOver = true }

  mutating func strikes(_ fault: Fault, _ dice: inout Dice) -> Bool {
    guard !isOver else { return false }
    let index = fault.index
    guard wanted.isEmpty else {
      seen[index] += 1
      return wanted[index]?.contains(seen[index]) ?? false
    }
    return rates[index] > 0 && dice.happens(perMille: rates[index])
  }

  /// Whether chance may bring the fault at all.
  func isPossible(_ fault: Fault) -> Bool {
    !isOver && (rates[fault.index] > 0 || wanted[fault.index] != nil)
  }
}

extension Fault {
  var index: Int { rawValue }
}
