import Foundation
import Messages
import Testing

@testable import BatonCLI

@Suite struct EventTextTests {
  @Test func aTimeLine() {
    var text = EventText(style: .plain, zone: .gmt)
    let start: Int64 = 1_795_000_000_000
    let lines = [
      Sample.event("plan_created", at: start),
      Sample.event("task_dispatched", "facts", at: start + 12, attempt: 1, adapter: "crewai"),
      Sample.event(
        "task_retry_scheduled", "facts", at: start + 61_500, attempt: 1, code: "UNKNOWN",
        message: "it\nbroke", delay: 1_100),
      Sample.event("plan_completed", at: start + 70_000),
    ].map { text.line($0) }
    #expect(
      lines == [
        "11:06:40.000  +0.000s    plan_created",
        "11:06:40.012  +0.012s    task_dispatched       facts         try 1   crewai/crewai-1",
        "11:07:41.500  +61.500s   task_retry_scheduled  facts         try 1   "
          + "UNKNOWN: it broke  next try in 1.1s",
        "11:07:50.000  +70.000s   plan_completed",
      ])
  }

  @Test func timesForPeople() {
    #expect(TimeText.duration(-5) == "0.0s")
    #expect(TimeText.duration(59_999) == "59.9s")
    #expect(TimeText.duration(65_000) == "1m05s")
    #expect(TimeText.duration(3_600_000 + 120_000) == "1h02m")
    #expect(TimeText.date(1_795_000_000_000, in: .gmt) == "2026-11-18 11:06:40")
    let west = TimeZone(secondsFromGMT: -12 * 3_600) ?? .gmt
    #expect(TimeText.date(1_795_000_000_000, in: west) == "2026-11-17 23:06:40")
  }
}
