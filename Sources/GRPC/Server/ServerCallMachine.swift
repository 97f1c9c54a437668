/// One call on a server, from accepted headers to the end, as a value: events in, actions out.
///
///     awaitingMessage --message--> awaitingEnd --end--> running --send--> responding
///           |                           |                  |                  |
///           +---------------------------+--- refusal, deadline, closed, finish +--> ended
///
/// A method that takes a stream of requests begins in `running`, with the request open: its bytes
/// and its end are handed on to whoever reads, next to whatever the handler sends.
///
/// Three kinds of events do not fit a state: a bug of ours (asserted), an error of the peer
/// (answered with a status) and what comes too late (dropped: `none`).
struct ServerCallMachine: Equatable {
  enum State: Equatable {
    /// Can transition to `awaitingEnd`, `ended`.
    case awaitingMessage
    /// The request is here, its end is not. Can transition to `running`, `ended`.
    case awaitingEnd
    /// The handler runs and has sent nothing. Can transition to `responding`, `ended`.
    case running
    /// The response's headers are sent. Can transition to `ended`.
    case responding
    /// Nothing more is sent or read.
    case ended
  }

  enum Event: Equatable {
    /// A complete message was received; of a method that takes one.
    case message
    /// Bytes were received; of a method that takes a stream.
    case requestBytes
    /// The peer ended its side.
    case requestEnd
    /// The peer's bytes cannot be read as messages.
    case badRequest
    /// The deadline passed.
    case deadline
    /// The server gives the call up (shutdown after the grace period).
    case abandon
    /// The stream was reset, or its connection is gone.
    case closed
    /// The handler sends headers without a message.
    case sendHeaders
    /// The handler sends a message.
    case send
    /// The handler is done, or has thrown.
    case finish
  }

  enum Action: Equatable {
    case none
    case startHandler
    /// Keep the bytes for the handler, which reads them in its own time.
    case keepRequests
    /// Tell the handler, once it has read what is there, that there are no more requests.
    case endRequests
    case sendHeaders
    case sendMessage(withHeaders: Bool)
    /// Send the status that goes with the event; without headers sent before, as a response of
    /// trailers only.
    case sendStatus(trailersOnly: Bool, cancelHandler: Bool)
    /// The number of request messages is not one (doc/statuscodes.md: UNIMPLEMENTED).
    case refuseCardinality(received: Int)
    case cancelHandler
  }

  private(set) var state: State
  /// Whether the peer may still send requests of a stream.
  private(set) var isRequestOpen: Bool

  /// - Parameter streamsRequests: whether the method takes a stream of requests.
  init(streamsRequests: Bool = false) {
    state = streamsRequests ? .running : .awaitingMessage
    isRequestOpen = streamsRequests
  }

  mutating func receive(_ event: Event) -> Action {
    switch state {
    case .awaitingMessage: receiveAwaitingMessage(event)
    case .awaitingEnd: receiveAwaitingEnd(event)
    case .running: receiveRunning(event)
    case .responding: receiveResponding(event)
    case .ended: .none
    }
  }

  private mutating func receiveAwaitingMessage(_ event: Event) -> Action {
    switch event {
    case .message:
      state = .awaitingEnd
      return .none
    case .requestEnd:
      state = .ended
      return .refuseCardinality(received: 0)
    default:
      return refuseBeforeStart(event)
    }
  }

  private mutating func receiveAwaitingEnd(_ event: Event) -> Action {
    switch event {
    case .message:
      state = .ended
      return .refuseCardinality(received: 2)
    case .requestEnd:
      state = .running
      return .startHandler
    default:
      return refuseBeforeStart(event)
    }
  }

  private mutating func refuseBeforeStart(_ event: Event) -> Action {
    switch event {
    case .badRequest, .deadline, .abandon:
      state = .ended
      return .sendStatus(trailersOnly: true, cancelHandler: false)
    case .closed:
      state = .ended
      return .none
    case .message, .requestBytes, .requestEnd, .sendHeaders, .send, .finish:
      assertionFailure("\(event) before the handler was started")
      return .none
    }
  }

  private mutating func receiveRunning(_ event: Event) -> Action {
    switch event {
    case .sendHeaders:
      state = .responding
      return .sendHeaders
    case .send:
      state = .responding
      return .sendMessage(withHeaders: true)
    default:
      return receiveStarted(event, trailersOnly: true)
    }
  }

  private mutating func receiveResponding(_ event: Event) -> Action {
    switch event {
    case .sendHeaders: .none
    case .send: .sendMessage(withHeaders: false)
    default: receiveStarted(event, trailersOnly: false)
    }
  }

  private mutating func receiveStarted(_ event: Event, trailersOnly: Bool) -> Action {
    switch event {
    case .finish:
      state = .ended
      return .sendStatus(trailersOnly: trailersOnly, cancelHandler: false)
    case .badRequest, .deadline, .abandon:
      state = .ended
      return .sendStatus(trailersOnly: trailersOnly, cancelHandler: true)
    case .closed:
      state = .ended
      return .cancelHandler
    case .requestBytes where isRequestOpen:
      return .keepRequests
    case .requestEnd where isRequestOpen:
      isRequestOpen = false
      return .endRequests
    case .message, .requestBytes, .requestEnd, .sendHeaders, .send:
      assertionFailure("\(event) after the request's end")
      return .none
    }
  }
}
