import Plan
import Testing

@testable import Engine

/// Every event in every state of a task. A table lists the events that do something, with what they
/// do; all others do nothing.
struct StateTableTests {
  /// Ways into each state of task `a`, on which `b` depends, with one place at one adapter.
  private static let states: [String: (plan: String, script: String)] = [
    "pending": ("z a<z", "submit"),
    "ready": ("z a", "submit"),
    "ready again": ("a attempts=2", "submit; block m1 1h; lose a"),
    "dispatched": ("a attempts=2", "submit"),
    "running": ("a attempts=2", "submit; start a"),
    "waiting": ("a attempts=2", "submit; fail a"),
    "last attempt": ("a attempts=2", "submit; fail a; wait 1s"),
    "last delivery": ("a deliveries=2", "submit; lose a"),
    "succeeded": ("a b", "submit; succeed a"),
    "failed": ("a b", "submit; fail a PERMANENT"),
    "timed out": ("a attempts=1 b", "submit; wait 10m"),
    "plan failed": ("a b<a", "submit; fail a PERMANENT"),
    "skipped": ("z a<z b", "submit; fail z PERMANENT"),
    "cancelled": ("a", "submit; cancel"),
    "paused, dispatched": ("a attempts=2", "submit; pause"),
    "paused, ready": ("z a", "submit; pause"),
    "paused, waiting": ("a attempts=2", "submit; fail a; pause"),
  ]

  private static let steps = [
    "submit", "accept a", "poll a", "start a", "refuse a", "reject a PERMANENT", "lose a",
    "succeed a",
    "succeed a@1.1", "succeed a@9", "fail a", "stop a", "early a", "timer a", "pause", "resume",
    "retry", "cancel", "schedule", "more", "crash",
  ]

  /// What the steps that do something do in a state.
  private func table(_ name: String) throws -> String {
    let state = try #require(Self.states[name])
    var lines: [String] = []
    for step in Self.steps {
      var scene = try Scene(state.plan, pool: AdapterPool("mock/m1:t*1"))
      scene.play(state.script)
      let before = scene.state
      let line = scene.play(step)
      let isNothing = line.hasSuffix("> nothing")
      #expect(!isNothing || scene.state == before, "\(name): \(step)")
      if !isNothing { lines.append(line) }
    }
    return lines.joined(separator: "\n")
  }

  @Test("every event in every state", arguments: states.keys.sorted())
  func everyEvent(_ name: String) throws { #expect(try table(name) == Self.tables[name]) }

  private static let tables: [String: String] = [
    "pending": """
    succeed a > = UNKNOWN_TOKEN
    succeed a@1.1 > = UNKNOWN_TOKEN
    succeed a@9 > = UNKNOWN_TOKEN
    fail a > = UNKNOWN_TOKEN
    stop a > = UNKNOWN_TOKEN
    pause > plan_paused
    cancel > z cancelled 1/1, a cancelled, plan_cancelled | stop z.1 at m1, ended
    crash > | send z again
    """,
    "ready": """
    succeed a > = UNKNOWN_TOKEN
    succeed a@1.1 > = UNKNOWN_TOKEN
    succeed a@9 > = UNKNOWN_TOKEN
    fail a > = UNKNOWN_TOKEN
    stop a > = UNKNOWN_TOKEN
    timer a > a failed TIMEOUT SCHEDULE_TO_START
    pause > plan_paused
    cancel > z cancelled 1/1, a cancelled, plan_cancelled | stop z.1 at m1, ended
    crash > | send z again
    """,
    "ready again": """
    succeed a > a running 1/1, a succeeded 1/1, plan_completed | ended
    succeed a@1.1 > a running 1/1, a succeeded 1/1, plan_completed | ended
    succeed a@9 > = UNKNOWN_TOKEN
    fail a > a running 1/1, a retry_scheduled 1/1 +1000 TRANSIENT TEST
    stop a > a running 1/1, a failed 1/1 CANCELLED CANCELLED, plan_failed | ended
    timer a > a failed 1/1 TIMEOUT SCHEDULE_TO_START, plan_failed | ended
    pause > plan_paused
    cancel > a cancelled 1/1, plan_cancelled | ended
    """,
    "dispatched": """
    poll a > rows only
    start a > a running 1/1
    refuse a > a dispatched 1/1 | send a
    reject a PERMANENT > a failed 1/1 PERMANENT TEST, plan_failed | ended
    lose a > a redelivered 1/2 TRANSIENT RUN_LOST | send a
    succeed a > a running 1/1, a succeeded 1/1, plan_completed | ended
    succeed a@1.1 > a running 1/1, a succeeded 1/1, plan_completed | ended
    succeed a@9 > = UNKNOWN_TOKEN
    fail a > a running 1/1, a retry_scheduled 1/1 +1000 TRANSIENT TEST
    stop a > a running 1/1, a failed 1/1 CANCELLED CANCELLED, plan_failed | ended
    timer a > a retry_scheduled 1/1 +1000 TIMEOUT START_TO_CLOSE | stop a.1 at m1
    pause > plan_paused
    cancel > a cancelled 1/1, plan_cancelled | stop a.1 at m1, ended
    crash > | send a again
    """,
    "running": """
    poll a > rows only
    reject a PERMANENT > a failed 1/1 PERMANENT TEST, plan_failed | ended
    lose a > a redelivered 1/2 TRANSIENT RUN_LOST | send a
    succeed a > a succeeded 1/1, plan_completed | ended
    succeed a@1.1 > a succeeded 1/1, plan_completed | ended
    succeed a@9 > = UNKNOWN_TOKEN
    fail a > a retry_scheduled 1/1 +1000 TRANSIENT TEST
    stop a > a failed 1/1 CANCELLED CANCELLED, plan_failed | ended
    timer a > a retry_scheduled 1/1 +1000 TIMEOUT START_TO_CLOSE | stop a.1 at m1
    pause > plan_paused
    cancel > a cancelled 1/1, plan_cancelled | stop a.1 at m1, ended
    crash > | send a again
    """,
    "waiting": """
    succeed a > a result_refused 1/1 CONFLICTING_RESULT = CONFLICTING_RESULT
    succeed a@1.1 > a result_refused 1/1 CONFLICTING_RESULT = CONFLICTING_RESULT
    succeed a@9 > = UNKNOWN_TOKEN
    fail a > = already recorded
    stop a > a result_refused 1/1 CONFLICTING_RESULT = CONFLICTING_RESULT
    timer a > a dispatched 2/1 | send a
    pause > plan_paused
    cancel > a cancelled 1/1, plan_cancelled | ended
    """,
    "last attempt": """
    poll a > rows only
    start a > a running 2/1
    refuse a > a dispatched 2/1 | send a
    reject a PERMANENT > a failed 2/1 PERMANENT TEST, plan_failed | ended
    lose a > a redelivered 2/2 TRANSIENT RUN_LOST | send a
    succeed a > a running 2/1, a succeeded 2/1, plan_completed | ended
    succeed a@1.1 > a result_refused 1/1 CONFLICTING_RESULT = CONFLICTING_RESULT
    succeed a@9 > = UNKNOWN_TOKEN
    fail a > a running 2/1, a failed 2/1 TRANSIENT TEST, plan_failed | ended
    stop a > a running 2/1, a failed 2/1 CANCELLED CANCELLED, plan_failed | ended
    timer a > a failed 2/1 TIMEOUT START_TO_CLOSE, plan_failed | stop a.2 at m1, ended
    pause > plan_paused
    cancel > a cancelled 2/1, plan_cancelled | stop a.2 at m1, ended
    crash > | send a again
    """,
    "last delivery": """
    poll a > rows only
    start a > a running 1/2
    refuse a > a redelivered 1/2 TRANSIENT RUN_LOST | send a
    reject a PERMANENT > a failed 1/2 PERMANENT TEST, plan_failed | ended
    lose a > a poisoned 1/2 PERMANENT POISONED, a failed 1/2 PERMANENT POISONED, plan_failed | ended
    succeed a > a running 1/2, a succeeded 1/2, plan_completed | ended
    succeed a@1.1 > a result_refused 1/2 STALE_LEASE = STALE_LEASE
    succeed a@9 > = UNKNOWN_TOKEN
    fail a > a running 1/2, a retry_scheduled 1/2 +1000 TRANSIENT TEST
    stop a > a running 1/2, a failed 1/2 CANCELLED CANCELLED, plan_failed | ended
    timer a > a retry_scheduled 1/2 +1000 TIMEOUT START_TO_CLOSE | stop a.1 at m1
    pause > plan_paused
    cancel > a cancelled 1/2, plan_cancelled | stop a.1 at m1, ended
    crash > | send a again
    """,
    "succeeded": """
    succeed a > = already recorded
    succeed a@1.1 > = already recorded
    succeed a@9 > = UNKNOWN_TOKEN
    fail a > a result_refused 1/1 CONFLICTING_RESULT = CONFLICTING_RESULT
    stop a > a result_refused 1/1 CONFLICTING_RESULT = CONFLICTING_RESULT
    pause > plan_paused
    cancel > b cancelled 1/1, plan_cancelled | stop b.1 at m1, ended
    crash > | send b again
    """,
    "failed": """
    succeed a > a result_refused 1/1 CONFLICTING_RESULT = CONFLICTING_RESULT
    succeed a@1.1 > a result_refused 1/1 CONFLICTING_RESULT = CONFLICTING_RESULT
    succeed a@9 > = UNKNOWN_TOKEN
    fail a > = already recorded
    stop a > a result_refused 1/1 CONFLICTING_RESULT = CONFLICTING_RESULT
    pause > plan_paused
    cancel > b cancelled 1/1, plan_cancelled | stop b.1 at m1, ended
    crash > | send b again
    """,
    "timed out": """
    succeed a > a result_refused 1/1 ALREADY_TERMINAL = ALREADY_TERMINAL
    succeed a@1.1 > a result_refused 1/1 ALREADY_TERMINAL = ALREADY_TERMINAL
    succeed a@9 > = UNKNOWN_TOKEN
    fail a > a result_refused 1/1 ALREADY_TERMINAL = ALREADY_TERMINAL
    stop a > a result_refused 1/1 ALREADY_TERMINAL = ALREADY_TERMINAL
    pause > plan_paused
    cancel > b cancelled 1/1, plan_cancelled | stop b.1 at m1, ended
    crash > | send b again
    """,
    "skipped": """
    succeed a > = UNKNOWN_TOKEN
    succeed a@1.1 > = UNKNOWN_TOKEN
    succeed a@9 > = UNKNOWN_TOKEN
    fail a > = UNKNOWN_TOKEN
    stop a > = UNKNOWN_TOKEN
    pause > plan_paused
    cancel > b cancelled 1/1, plan_cancelled | stop b.1 at m1, ended
    crash > | send b again
    """,
    "cancelled": """
    succeed a > = ALREADY_TERMINAL
    succeed a@1.1 > = ALREADY_TERMINAL
    succeed a@9 > = UNKNOWN_TOKEN
    fail a > = ALREADY_TERMINAL
    stop a > = ALREADY_TERMINAL
    retry > | ended = NOT_FAILED
    """,
    "plan failed": """
    succeed a > = CONFLICTING_RESULT
    succeed a@1.1 > = CONFLICTING_RESULT
    succeed a@9 > = UNKNOWN_TOKEN
    fail a > = already recorded
    stop a > = CONFLICTING_RESULT
    retry > plan_retried, a dispatched 2/1 | send a
    """,
    "paused, dispatched": """
    poll a > rows only
    start a > a running 1/1
    refuse a > rows only
    reject a PERMANENT > a failed 1/1 PERMANENT TEST, plan_failed | ended
    lose a > rows only
    succeed a > a running 1/1, a succeeded 1/1, plan_completed | ended
    succeed a@1.1 > a running 1/1, a succeeded 1/1, plan_completed | ended
    succeed a@9 > = UNKNOWN_TOKEN
    fail a > a running 1/1, a retry_scheduled 1/1 +1000 TRANSIENT TEST
    stop a > a running 1/1, a failed 1/1 CANCELLED CANCELLED, plan_failed | ended
    timer a > a retry_scheduled 1/1 +1000 TIMEOUT START_TO_CLOSE | stop a.1 at m1
    resume > plan_resumed
    cancel > a cancelled 1/1, plan_cancelled | stop a.1 at m1, ended
    crash > | send a again
    """,
    "paused, ready": """
    succeed a > = UNKNOWN_TOKEN
    succeed a@1.1 > = UNKNOWN_TOKEN
    succeed a@9 > = UNKNOWN_TOKEN
    fail a > = UNKNOWN_TOKEN
    stop a > = UNKNOWN_TOKEN
    resume > plan_resumed
    cancel > z cancelled 1/1, a cancelled, plan_cancelled | stop z.1 at m1, ended
    crash > | send z again
    """,
    "paused, waiting": """
    succeed a > a result_refused 1/1 CONFLICTING_RESULT = CONFLICTING_RESULT
    succeed a@1.1 > a result_refused 1/1 CONFLICTING_RESULT = CONFLICTING_RESULT
    succeed a@9 > = UNKNOWN_TOKEN
    fail a > = already recorded
    stop a > a result_refused 1/1 CONFLICTING_RESULT = CONFLICTING_RESULT
    timer a > rows only
    resume > plan_resumed
    cancel > a cancelled 1/1, plan_cancelled | ended
    """,
  ]
}
