import Configuration
import Foundation
import GRPC
import JSON
import Logging
import Messages
import Testing

@testable import BatonCLI

@Suite struct FailureTests {
  @Test func aServerThatIsNotThere() {
    let error = RPCError(code: .unavailable, message: "there is no connection", neverSent: true)
    let failure = CommandFailure(error, server: "127.0.0.1:7420")
    #expect(failure.status == .unavailable)
    #expect(
      failure.lines == [
        "baton: no server answers at 127.0.0.1:7420",
        "Start one with `baton serve` or `baton dev`, or name another with --server or "
          + "BATON_SERVER.",
      ])
  }

  @Test(
    arguments: [
      (
        .peerSpeaksTLS, "s:1", "the server at s:1 speaks TLS, and it was called without",
        "Write --server https://s:1 (BATON_SERVER)."
      ),
      (
        .peerWithoutTLS, "https://s:1", "the server at s:1 does not speak TLS",
        "Write --server s:1 (BATON_SERVER), or give the server certificates: tls.certificate and "
          + "tls.key."
      ),
      (
        .peerHungUp, "s:1", "the server at s:1 closed the connection before it said anything",
        "If it speaks TLS, write --server https://s:1 (BATON_SERVER)."
      ),
      (
        .peerHungUp, "https://s:1",
        "the server at s:1 closed the connection during the TLS handshake",
        "If it does not speak TLS, write --server s:1 (BATON_SERVER)."
      ),
    ] as [(TLSError.Code, String, String, String)])
  func cleartextMeetsTLS(
    code: TLSError.Code, server: String, message: String, advice: String
  ) {
    var error = RPCError(code: .unavailable, reason: code.rawValue, message: "no connection")
    error.neverSent = true
    let failure = CommandFailure(error, server: server)
    #expect(failure.status == .unavailable)
    #expect(failure.reason == code.rawValue)
    #expect(failure.lines == ["baton: \(message)", advice])
  }

  @Test func aHandshakeThatFails() {
    var error = RPCError(
      code: .unavailable, reason: TLSError.Code.handshakeFailed.rawValue, message: "no connection")
    error.neverSent = true
    error.cause = "its certificate has expired"
    let failure = CommandFailure(error, server: "https://s:1")
    #expect(failure.status == .unavailable)
    #expect(
      failure.lines == [
        "baton: the server at s:1 and this command do not trust each other: its certificate "
          + "has expired",
        "--tls-ca names the authorities that sign the server's certificate, --tls-server-name the "
          + "name in it, --tls-certificate and --tls-key what to show to the server.",
      ])
  }

  @Test func aPlanThatIsNotThere() {
    let error = RPCError(code: .notFound, reason: "PLAN_NOT_FOUND", message: "no")
    let failure = CommandFailure(error, server: "s:1", planID: "P")
    #expect(failure.status == .refused)
    #expect(failure.reason == "PLAN_NOT_FOUND")
    #expect(failure.message == "there is no plan P at s:1")
  }

  @Test func whatTheServerFindsIsShownInTheFile() throws {
    var error = RPCError(
      code: .invalidArgument, reason: "CYCLE", message: "first",
      metadata: ["field": "tasks[1].depends_on", "message": "a -> b -> a"])
    error.details +=
      RPCError(
        code: .invalidArgument, reason: "BAD_ID", message: "second",
        metadata: ["field": "tasks[0].id"]
      ).details
    let file = try PlanFile(
      text: "tasks:\n- {id: a, type: prompt}\n- id: b\n  type: prompt\n  depends_on: [a]",
      name: "plan.yaml")
    #expect(
      file.refusal(error.planProblems).lines == [
        "baton: plan.yaml is not a valid plan",
        "plan.yaml:5: tasks[1].depends_on: a -> b -> a",
        "plan.yaml:2: tasks[0].id: first",
      ])
  }

  @Test func logRecordsAreOneLine() {
    let record = LogRecord(
      time: 1_795_000_000_123, level: .warning, message: "it\nbroke",
      metadata: ["plan": "P", "event": "x"])
    #expect(
      record.json("baton").text == """
        {"time":"2026-11-18T11:06:40.123Z","level":"warning","logger":"baton",\
        "message":"it\\nbroke","event":"x","plan":"P"}
        """)
    #expect(record.text(.plain, .gmt) == "11:06:40.123 WARNING it broke plan=P")
  }

  @Test func aReadyLineHasEverythingInIt() throws {
    var configuration = Configuration.ServerConfiguration()
    configuration.store = .memory
    let line = ReadyLine.text(grpc: "127.0.0.1:1", http: "127.0.0.1:2", configuration)
    #expect(line.hasPrefix("READY "))
    let value = try JSONValue(parsing: String(line.dropFirst(6)))
    #expect(value["grpc"]?.stringValue == "127.0.0.1:1")
    #expect(value["http"]?.stringValue == "127.0.0.1:2")
    #expect(value["store"]?.stringValue == "memory")
    #expect((value["pid"]?.integerValue ?? 0) > 0)
    #expect(value["version"]?.stringValue == toolVersion)
  }
}
