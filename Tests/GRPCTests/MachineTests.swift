import HTTP2
import Testing

@testable import GRPC

/// Each row is a call: what happens, and what is done about it, in order.
@Suite struct ServerCallMachineTests {
  typealias Event = ServerCallMachine.Event
  typealias Action = ServerCallMachine.Action

  private static let trailersOnly = Action.sendStatus(trailersOnly: true, cancelHandler: false)
  private static let trailers = Action.sendStatus(trailersOnly: false, cancelHandler: false)

  @Test(
    arguments: [
      // A unary call, and one that fails.
      (
        [.message, .requestEnd, .send, .finish],
        [.none, .startHandler, .sendMessage(withHeaders: true), trailers]
      ),
      ([.message, .requestEnd, .finish], [.none, .startHandler, trailersOnly]),
      // A stream: headers once, however they are sent.
      (
        [.message, .requestEnd, .send, .send, .finish],
        [
          .none, .startHandler, .sendMessage(withHeaders: true), .sendMessage(withHeaders: false),
          trailers,
        ]
      ),
      (
        [.message, .requestEnd, .sendHeaders, .sendHeaders, .send, .finish],
        [.none, .startHandler, .sendHeaders, .none, .sendMessage(withHeaders: false), trailers]
      ),
      // The wrong number of requests.
      ([.requestEnd], [.refuseCardinality(received: 0)]),
      ([.message, .message, .requestEnd], [.none, .refuseCardinality(received: 2), .none]),
      // What cannot be read.
      ([.badRequest, .requestEnd], [trailersOnly, .none]),
      ([.message, .badRequest], [.none, trailersOnly]),
      // Deadlines: before the handler, while it runs, while it answers, after the end.
      ([.deadline, .message], [trailersOnly, .none]),
      (
        [.message, .requestEnd, .deadline, .send, .finish],
        [
          .none, .startHandler, .sendStatus(trailersOnly: true, cancelHandler: true), .none, .none,
        ]
      ),
      (
        [.message, .requestEnd, .send, .deadline, .finish],
        [
          .none, .startHandler, .sendMessage(withHeaders: true),
          .sendStatus(trailersOnly: false, cancelHandler: true), .none,
        ]
      ),
      ([.message, .requestEnd, .finish, .deadline], [.none, .startHandler, trailersOnly, .none]),
      // The client goes away.
      ([.closed], [.none]),
      ([.message, .closed, .requestEnd], [.none, .none, .none]),
      (
        [.message, .requestEnd, .closed, .send, .finish],
        [.none, .startHandler, .cancelHandler, .none, .none]
      ),
      (
        [.message, .requestEnd, .send, .closed, .send],
        [.none, .startHandler, .sendMessage(withHeaders: true), .cancelHandler, .none]
      ),
      // The server gives up.
      ([.abandon], [trailersOnly]),
      (
        [.message, .requestEnd, .abandon, .finish],
        [.none, .startHandler, .sendStatus(trailersOnly: true, cancelHandler: true), .none]
      ),
    ] as [([Event], [Action])])
  func call(events: [Event], actions: [Action]) {
    var machine = ServerCallMachine()
    #expect(events.map { machine.receive($0) } == actions)
  }

  @Test(
    arguments: [
      // One answer to many requests, and many answers while they come.
      (
        [.requestBytes, .requestBytes, .requestEnd, .send, .finish],
        [.keepRequests, .keepRequests, .endRequests, .sendMessage(withHeaders: true), trailers]
      ),
      (
        [.send, .requestBytes, .send, .requestEnd, .send, .finish],
        [
          .sendMessage(withHeaders: true), .keepRequests, .sendMessage(withHeaders: false),
          .endRequests, .sendMessage(withHeaders: false), trailers,
        ]
      ),
      ([.sendHeaders, .requestEnd, .finish], [.sendHeaders, .endRequests, trailers]),
      // No request at all is a stream too.
      ([.requestEnd, .finish], [.endRequests, trailersOnly]),
      // Ended before the requests' end: whatever still comes is nobody's.
      (
        [.requestBytes, .send, .finish, .requestBytes, .requestEnd],
        [.keepRequests, .sendMessage(withHeaders: true), trailers, .none, .none]
      ),
      ([.finish, .requestEnd], [trailersOnly, .none]),
      // Ended by others while the handler reads, or answers.
      (
        [.requestBytes, .badRequest, .finish],
        [.keepRequests, .sendStatus(trailersOnly: true, cancelHandler: true), .none]
      ),
      (
        [.send, .deadline, .requestBytes],
        [
          .sendMessage(withHeaders: true), .sendStatus(trailersOnly: false, cancelHandler: true),
          .none,
        ]
      ),
      (
        [.requestEnd, .abandon],
        [.endRequests, .sendStatus(trailersOnly: true, cancelHandler: true)]
      ),
      ([.requestBytes, .closed, .send], [.keepRequests, .cancelHandler, .none]),
    ] as [([Event], [Action])])
  func callWithARequestStream(events: [Event], actions: [Action]) {
    var machine = ServerCallMachine(streamsRequests: true)
    #expect(events.map { machine.receive($0) } == actions)
  }

  @Test func everyEventEndsUpEndedOrLegal() {
    // Whatever the peer and the clock do in any order, no status is sent twice.
    let outside: [Event] = [.message, .requestEnd, .badRequest, .deadline, .abandon, .closed]
    for first in outside {
      for second in outside where !(first == .requestEnd && second == .requestEnd) {
        for third in outside {
          var machine = ServerCallMachine(streamsRequests: false)
          var statuses = 0
          for event in [first, second, third] {
            // After the end of the request HTTP/2 lets no more of it through.
            if machine.state == .running, event == .message || event == .requestEnd { continue }
            switch machine.receive(event) {
            case .sendStatus, .refuseCardinality: statuses += 1
            default: break
            }
          }
          #expect(statuses <= 1, "\(first) \(second) \(third)")
        }
      }
    }
  }
}

@Suite struct ClientCallMachineTests {
  private func headers(_ fields: KeyValuePairs<StaticString, StaticString>) -> HeaderBlock {
    var headers = HeaderBlock()
    for (name, value) in fields { headers.append(name, value) }
    return headers
  }

  private var begin: HeaderBlock {
    headers([":status": "200", "content-type": "application/grpc", "x-a": "1"])
  }

  /// The code that the events end a call with; nil while it goes on, OK included.
  private func code(_ events: [ClientCallMachine.Event]) -> StatusCode? {
    var machine = ClientCallMachine(refusalsMax: 0, lossesMax: 0)
    var code: StatusCode?
    for event in events {
      if case .end(let error, _, _) = machine.receive(event) { code = error?.code ?? .ok }
    }
    return code
  }

  @Test func aCall() {
    var machine = ClientCallMachine(refusalsMax: 0, lossesMax: 0)
    #expect(machine.receive(.headers(begin, endStream: false)) == .begin(["x-a": "1"], .identity))
    #expect(machine.receive(.data) == .read)
    #expect(machine.receive(.data) == .read)
    let last = headers(["grpc-status": "0", "x-b": "2"])
    #expect(
      machine.receive(.headers(last, endStream: true))
        == .end(nil, trailers: ["x-b": "2"], reset: false))
    #expect(machine.receive(.closed(.noError, requestSent: true)) == .none)
  }

  @Test func trailersOnly() {
    let only = headers([
      ":status": "200", "content-type": "application/grpc", "grpc-status": "5",
      "grpc-message": "no%20plan",
    ])
    var machine = ClientCallMachine(refusalsMax: 0, lossesMax: 0)
    let error = RPCError(code: .notFound, message: "no plan")
    #expect(
      machine.receive(.headers(only, endStream: true))
        == .end(error, trailers: [:], reset: false))
  }

  @Test func interimResponsesAreSkipped() {
    var machine = ClientCallMachine(refusalsMax: 0, lossesMax: 0)
    #expect(machine.receive(.headers(headers([":status": "103"]), endStream: false)) == .none)
    #expect(machine.receive(.headers(begin, endStream: false)) == .begin(["x-a": "1"], .identity))
  }

  @Test(
    arguments: [
      ("400", .internalError), ("401", .unauthenticated), ("403", .permissionDenied),
      ("404", .unimplemented), ("429", .unavailable), ("503", .unavailable), ("500", .unknown),
    ] as [(String, StatusCode)])
  func httpStatus(status: String, expected: StatusCode) {
    var fields = HeaderBlock()
    fields.append(":status", status)
    #expect(code([.headers(fields, endStream: true)]) == expected)
    #expect(code([.headers(fields, endStream: false)]) == expected)
  }

  @Test func whatIsNoGRPC() {
    let html = headers([":status": "200", "content-type": "text/html"])
    #expect(code([.headers(html, endStream: false)]) == .unknown)
    #expect(code([.data]) == .internalError)
    #expect(code([.endStream]) == .internalError)
    let nothing = headers([":status": "200", "content-type": "application/grpc"])
    #expect(code([.headers(nothing, endStream: true)]) == .internalError)
    #expect(
      code([.headers(begin, endStream: false), .headers(begin, endStream: false)])
        == .internalError)
  }

  @Test(
    arguments: [
      (.refusedStream, true, .unavailable, true), (.cancel, true, .cancelled, false),
      (.enhanceYourCalm, true, .resourceExhausted, false),
      (.internalError, true, .internalError, false), (.noError, true, .internalError, false),
      (.inadequateSecurity, true, .permissionDenied, false),
      (.internalError, false, .unavailable, true),
    ] as [(HTTP2ErrorCode, Bool, StatusCode, Bool)])
  func reset(code: HTTP2ErrorCode, sent: Bool, status: StatusCode, neverSent: Bool) {
    var machine = ClientCallMachine(refusalsMax: 0, lossesMax: 0)
    guard
      case .end(let error?, _, let reset) = machine.receive(.closed(code, requestSent: sent))
    else {
      Issue.record("the call goes on")
      return
    }
    #expect(error.code == status)
    #expect(error.neverSent == neverSent)
    #expect(!reset)
  }

  /// Each with a bound of its own: what the server refused may be all that it ever does, what never
  /// left was the connection's fault.
  @Test func whatTheServerHasNotSeenIsSentAgain() {
    let refused = ClientCallMachine.Event.closed(.refusedStream, requestSent: true)
    let lost = ClientCallMachine.Event.connectionLost(reason: "", requestSent: false)
    let unsent = ClientCallMachine.Event.closed(.cancel, requestSent: false)
    for (events, last) in [
      ([refused, lost, lost, unsent], refused), ([lost, refused, unsent, lost], lost),
      ([lost, lost, lost], unsent),
    ] {
      var machine = ClientCallMachine(refusalsMax: 1, lossesMax: 3)
      for event in events { #expect(machine.receive(event) == .retry) }
      guard case .end(let error?, _, _) = machine.receive(last) else {
        Issue.record("once more than it may")
        return
      }
      #expect(error.code == .unavailable)
      #expect(error.neverSent)
    }
  }

  @Test func whatTheServerMayHaveSeenIsNot() {
    for event in [
      ClientCallMachine.Event.closed(.internalError, requestSent: true),
      .connectionLost(reason: "", requestSent: true),
    ] {
      var machine = ClientCallMachine(refusalsMax: 2)
      guard case .end(let error?, _, _) = machine.receive(event) else {
        Issue.record("the call goes on")
        return
      }
      #expect(!error.neverSent)
    }
    var begun = ClientCallMachine(refusalsMax: 2)
    _ = begun.receive(.headers(begin, endStream: false))
    guard case .end = begun.receive(.closed(.refusedStream, requestSent: true)) else {
      Issue.record("a response that had begun")
      return
    }
  }

  @Test func abandonedOnceAndForAll() {
    var machine = ClientCallMachine(refusalsMax: 0, lossesMax: 0)
    let error = RPCError.deadlinePassed
    #expect(machine.receive(.abandon(error)) == .end(error, trailers: [:], reset: true))
    #expect(machine.receive(.abandon(error)) == .none)
    #expect(machine.receive(.headers(begin, endStream: false)) == .none)
    #expect(machine.receive(.data) == .none)
  }
}
