internal import NIOCore
public import Tracing

/// Work around the calls of a channel that is the same for all methods: logging, metrics, tracing,
/// credentials (`ChannelConfiguration.interceptors`). A call that is sent several times is one call.
///
/// Must neither block nor take long.
public protocol ClientInterceptor: Sendable {
  /// A call is about to start, in the caller's task. Interceptors are asked in their order; the
  /// first that throws ends the call with that status, and nothing is sent.
  func callStarting(_ call: inout OutgoingCall) throws(RPCError)

  /// The call has ended with that status (nil: OK), on the channel's event loop. Called once, in
  /// reverse order, for each interceptor that has let the call pass.
  func callEnded(_ call: OutgoingCall, status: RPCError?)
}

extension ClientInterceptor {
  public func callStarting(_ call: inout OutgoingCall) throws(RPCError) {}
  public func callEnded(_ call: OutgoingCall, status: RPCError?) {}
}

/// A call as its interceptors see it.
public struct OutgoingCall: Sendable {
  public let method: MethodDescriptor
  /// What is sent beside the request.
  public var metadata: Metadata
  public let deadline: Deadline?
  /// The channel's target, as it was written.
  public let target: String
  /// Whether nobody between here and the server can read along: the channel uses TLS, or the server
  /// is on this machine.
  public let isPrivate: Bool
  /// The caller's context, for baggage and what interceptors keep for themselves.
  public var serviceContext: ServiceContext
  private let started = NIODeadline.now()

  /// Time since the call was started.
  public var elapsed: Duration { .nanoseconds((NIODeadline.now() - started).nanoseconds) }

  init(_ method: MethodDescriptor, _ metadata: Metadata, _ deadline: Deadline?, _ core: ChannelCore)
  {
    self.method = method
    self.metadata = metadata
    self.deadline = deadline
    target = core.target.text
    isPrivate = core.configuration.tls != nil || core.target.addresses.allSatisfy(\.isLoopback)
    serviceContext = ServiceContext.current ?? .topLevel
  }
}

/// The interceptors of one call.
struct Interception {
  private(set) var call: OutgoingCall
  /// Those that have let the call pass.
  private var passed: ArraySlice<any ClientInterceptor> = []
  /// Why the call must not be sent.
  private(set) var refusal: RPCError?

  init(_ call: OutgoingCall, _ interceptors: [any ClientInterceptor]) {
    self.call = call
    for (index, interceptor) in interceptors.enumerated() {
      do throws(RPCError) {
        try interceptor.callStarting(&self.call)
        passed = interceptors[...index]
      } catch {
        refusal = error
        return
      }
    }
  }

  func ended(_ status: RPCError?) {
    for interceptor in passed.reversed() { interceptor.callEnded(call, status: status) }
  }
}
