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

  init(_ options: ServerOptions) throws(CommandFailure) {
    let endpoint = try Self.endpoint(options)
    var configuration = ChannelConfiguration()
    // The first page of a FULL view carries the plan, which may be as big as a submission.
    configuration.responseBytesMax = 64 << 20
    configuration.connectTimeout = .seconds(5)
    configuration.userAgent = "baton"
    if endpoint.usesTLS {
      let files = options.files
      guard (files.certificate == nil) == (files.key == nil) else {
        let (given, missing) =
          files.key == nil ? ("certificate", "key") : ("key", "certificate")
        throw CommandFailure(
          .usage, code: "BAD_ARGUMENT",
          message: "--tls-\(missing) is missing; --tls-\(given) is given")
      }
      let tls = files.client()
      do throws(TLSError) { try tls.check() } catch {
        throw CommandFailure(.usage, code: "BAD_CERTIFICATE", message: error.message)
      }
      configuration.tls = tls
    }
    configuration.keepalive = Keepalive(time: .seconds(30), timeout: .seconds(10))
    do throws(TokenError) {
      if let token = try options.token() { configuration.interceptors = [ClientBearerToken(token)] }
    } catch {
      throw CommandFailure(.usage, code: "BAD_TOKEN_FILE", message: error.message)
    }
    channel = ClientChannel(address: endpoint.address, configuration: configuration)
    address = endpoint.description
    orchestrator = OrchestratorClient(channel)
    registry = AdapterRegistryClient(channel)
    health = HealthClient(channel)
  }

  private static func endpoint(_ options: ServerOptions) throws(CommandFailure) -> Endpoint {
    var endpoint: Endpoint
    do throws(AddressError) { endpoint = try Endpoint(options.address) } catch {
      var failure = CommandFailure(.usage, code: "BAD_ARGUMENT", message: error.description)
      failure.advice = "Write --server host:port, --server https://host:port or --server unix:PATH."
      throw failure
    }
    if options.usesTLS { endpoint.usesTLS = true }
    guard endpoint.isProtected || options.allowsCleartext else {
      var failure = CommandFailure(
        .usage, code: "INSECURE_ADDRESS",
        message: "\(endpoint) is on another machine, and without TLS others can read and change "
          + "what is sent")
      failure.advice =
        "Write --server https://\(endpoint) (BATON_SERVER), or --insecure (BATON_INSECURE=true) "
        + "where the network is trusted."
      throw failure
    }
    return endpoint
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
