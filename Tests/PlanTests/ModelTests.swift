import Testing

@testable import Plan

struct RetryPolicyTests {
  private func delays(
    _ attempts: ClosedRange<Int32>, _ policy: RetryPolicy, entropy: Double
  ) -> [Int64] {
    attempts.map { policy.delayMilliseconds(afterAttempt: $0, entropy: entropy) }
  }

  @Test("S5: the delay lies in [d(1-j), d(1+j)], d = min(max, initial * multiplier^(attempt-1))")
  func bounds() {
    let policy = RetryPolicy()
    #expect(
      delays(1...8, policy, entropy: 0) == [800, 1600, 3200, 6400, 12800, 25600, 48000, 48000])
    #expect(
      delays(1...8, policy, entropy: 0.5) == [1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000])
    let longest = delays(1...8, policy, entropy: 0.999_999_999)
    #expect(longest == [1200, 2400, 4800, 9600, 19200, 38400, 72000, 72000])
  }

  @Test("S5: the ends of what may be set", arguments: [0.0, 0.3, 0.999_999_999_999])
  func extremes(entropy: Double) {
    var policy = RetryPolicy()
    policy.jitter = 0
    policy.multiplier = 1e308
    #expect(delays(1...3, policy, entropy: entropy) == [1_000, 60_000, 60_000])
    policy.initialDelayMilliseconds = 0
    #expect(delays(1...3, policy, entropy: entropy) == [0, 0, 0])
    policy.initialDelayMilliseconds = 90_000
    #expect(delays(1...3, policy, entropy: entropy) == [60_000, 60_000, 60_000])
    policy.maxDelayMilliseconds = 0
    #expect(delays(1...3, policy, entropy: entropy) == [0, 0, 0])
    policy.jitter = 1
    policy.multiplier = 1
    policy.maxDelayMilliseconds = 315_576_000_000
    for delay in delays(1...100, policy, entropy: entropy) {
      #expect((0...180_000).contains(delay))
    }
  }

  @Test("S5: the adapter's retry_after overrides within max")
  func retryAfter() {
    let policy = RetryPolicy()
    for (asked, expected): (Int64, Int64) in [
      (1, 1), (59_999, 59_999), (60_001, 60_000), (.max, 60_000), (0, 1_000), (-5, 1_000),
    ] {
      let delay = policy.delayMilliseconds(
        afterAttempt: 1, entropy: 0.5, retryAfterMilliseconds: asked)
      #expect(delay == expected)
    }
  }

  @Test("S5: which classes are tried again")
  func classes() {
    #expect(
      ErrorClass.allCases.filter(\.isRetried) == [
        .transient, .rateLimited, .timeout, .invalidOutput,
      ]
    )
  }
}

struct RecordTests {
  @Test("usage adds up, and what an adapter makes up does no harm")
  func usage() {
    func usage(_ input: Int64, _ calls: Int64, _ model: String) -> Usage {
      var usage = Usage()
      usage.inputTokens = input
      usage.outputTokens = 2 * (input / 2)
      usage.calls = calls
      usage.model = model
      return usage
    }
    var sum = Usage()
    sum.add(usage(10, 1, "m"))
    #expect(sum == usage(10, 1, "m"))
    sum.add(Usage())
    #expect(sum == usage(10, 1, "m"))
    sum.add(usage(4, 2, "m"))
    #expect(sum == usage(14, 3, "m"))
    sum.add(usage(2, 1, "n"))
    #expect(sum == usage(16, 4, ""))
    sum.add(usage(.max, .max, "n"))
    #expect(sum.inputTokens == .max && sum.outputTokens == .max && sum.calls == .max)
    sum.add(usage(.min, -1, "n"))
    #expect(sum.inputTokens == .max && sum.calls == .max)
  }

  @Test("ids of plans sort by time and read back")
  func planIDs() throws {
    let early = PlanID(unixMilliseconds: 1_000, randomness: (.max, .max))
    let late = PlanID(unixMilliseconds: 1_001, randomness: (0, 0))
    #expect(early < late && early.description < late.description)
    #expect(late.description == "00000000-03e9-7000-8000-000000000000")
    #expect(early.description == "00000000-03e8-7fff-bfff-ffffffffffff")
    #expect(PlanID(early.description) == early)
    #expect(PlanID(early.description.uppercased()) == early)
    for bad in [
      "", "x", "00000000-03e9-7000-8000-00000000000", "00000000x03e9-7000-8000-000000000000",
      "00000000-03e9-7000-8000-00000000000g", "0000000003e9700080000000000000000000",
      "00000000-03e9-7000-8000-0000000000000",
    ] {
      #expect(PlanID(bad) == nil, "\(bad)")
    }
  }

  @Test("idempotency keys read back")
  func keys() throws {
    let plan = PlanID(unixMilliseconds: 1_001, randomness: (0, 0))
    let key = IdempotencyKey(planID: plan, taskID: "a.b:c", index: 3)
    #expect(key.description == "00000000-03e9-7000-8000-000000000000/a.b:c/3")
    #expect(IdempotencyKey(key.description) == key)
    for bad in ["", "\(plan)", "\(plan)/a", "\(plan)/a/b", "\(plan)/a/1/2", "x/a/0"] {
      #expect(IdempotencyKey(bad) == nil)
    }
  }

  @Test("a digest has 32 bytes")
  func digests() {
    #expect(Digest(Array(repeating: 0, count: 32)) != nil)
    #expect(Digest([]) == nil && Digest(Array(repeating: 0, count: 33)) == nil)
  }
}
