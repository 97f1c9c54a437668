/// All mixes of up to three faults on the way of one hand-out (P1 to P12), each fault at the first or
/// the second time that its point is passed.
public enum Mixes {
  /// What may go wrong between an orchestrator, an adapter and a result.
  static let faults: [Fault] = [
    .crashBeforeCommit, .crashAfterCommit, .commitFails, .commitOutcomeUnknown, .crash, .pause,
    .takeover, .hintLost, .handOutLost, .handOutLate, .handOutRepeated, .handOutAnswerLost,
    .handOutAnswerLate, .pollLost, .pollAnswerLate, .cancelLost, .reportLost, .reportLate,
    .reportRepeated, .reportAnswerLost, .heartbeatLost, .heartbeatLate, .heartbeatAnswerLost,
    .adapterDies, .adapterHangs, .adapterLeaves, .adapterBusy,
  ]

  /// Every mix in every kind of world: results by callback or by poll; timeouts far off, timeouts
  /// that pass, and a cancel.
  public static func setups() -> [(name: String, setup: Setup)] {
    var mixes: [[Fault]] = [[]]
    for first in faults.indices {
      mixes.append([faults[first]])
      for second in faults.indices where second > first {
        mixes.append([faults[first], faults[second]])
        for third in faults.indices where third > second {
          mixes.append([faults[first], faults[second], faults[third]])
        }
      }
    }
    var setups: [(name: String, setup: Setup)] = []
    for (index, mix) in mixes.enumerated() {
      for variant in 0..<6 {
        let number = index * 6 + variant
        setups.append(("MIX=\(number)", setup(number, mix, variant)))
      }
    }
    return setups
  }

  private static func setup(_ number: Int, _ mix: [Fault], _ variant: Int) -> Setup {
    // The seed decides on timeouts and cancel, see `Blueprint.pair` and `Callers`.
    var setup = Setup(seed: UInt64(number), steps: 250)
    setup.isPolled = (number / 6 + variant / 3) % 2 == 0
    setup.mix = mix.enumerated().map { place, fault in
      (fault, 1 + (number / 6 + place * (variant + 1)) % 3 % 2)
    }
    return setup
  }
}
