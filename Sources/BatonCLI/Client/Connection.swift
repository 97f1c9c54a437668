internal import GRPC
internal import Messages
internal import Stubs

/// A server that commands talk to.
struct Connection: Sendable {
  let address: String
  let orchestrator: OrchestratorClient
  let registry: AdapterRegistryClient
  let health: HealthClient
  private let channel: ClientChannel

  init(_ options: ServerOptions) throws(CommandFailure) { try self.init(options.address) }

  init(_ address: String) throws(CommandFailure) {
    var configuration = ChannelConfiguration()
    // The first page of a FULL view carries the plan, which may be as big as a submission.
    configuration.responseBytesMax = 64 << 20
    configuration.connectTimeout = .seconds(5)
    configuration.userAgent = "baton"
    do throws(AddressError) {
      channel = try ClientChannel(target: address, configuration: configuration)
    } catch {
      var failure = CommandFailure(.usage, code: "BAD_ARGUMENT", message: error.description)
      failure.advice = "Write --server host:port or --server unix:PATH."
      throw failure
    }
    self.address = address
    orchestrator = OrchestratorClient(channel)
    registry = AdapterRegistryClient(channel)
    health = HealthClient(channel)
  }

  func close() { channel.close() }

  /// One call that is answered soon or not at all.
  static let callOptions = CallOptions(timeout: .seconds(30))

  /// Runs one call; what goes wrong is told with the plan it is about.
  func call<Answer>(
    about planID: String = "", _ body: (CallOptions) async throws -> Answer
  ) async throws(CommandFailure) -> Answer {
    do {
      return try await body(Self.callOptions)
    } catch let error as RPCError {
      throw CommandFailure(error, server: address, planID: planID)
    } catch {
      throw CommandFailure(.refused, code: "UNKNOWN", message: "\(error)")
    }
  }
}

extension Connection {
  /// A plan with all its tasks, page by page.
  func plan(_ planID: String, view: BatonV1.PlanView) async throws(CommandFailure)
    -> BatonV1.PlanState
  {
    var request = BatonV1.GetPlanRequest()
    request.planId = planID
    request.view = view
    var whole: BatonV1.PlanState?
    repeat {
      let page = try await call(about: planID) { [request] options in
        try await orchestrator.getPlan(request, options: options)
      }
      request.pageToken = page.nextPageToken
      guard let state = page.state else { break }
      if whole == nil { whole = state } else { whole?.tasks += state.tasks }
    } while !request.pageToken.isEmpty
    guard let whole else {
      throw CommandFailure(
        .refused, code: "INTERNAL", message: "the server answered without the plan's state")
    }
    return whole
  }
}
