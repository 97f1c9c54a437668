import Messages
import Stubs
import Testing

@testable import GRPC

@Suite struct ReflectionTests {
  private typealias Request = GrpcReflectionV1.ServerReflectionRequest
  private typealias Response = GrpcReflectionV1.ServerReflectionResponse

  private let index = ReflectionIndex(
    files: ProtoFiles.all, services: ["baton.v1.Orchestrator", "a.B"])

  private func answer(_ question: Request.MessageRequest?) -> Response.MessageResponse? {
    let request = Request(host: "here", messageRequest: question)
    let response = index.response(to: request)
    #expect(response.validHost == "here")
    #expect(response.originalRequest == request)
    return response.messageResponse
  }

  private func files(_ question: Request.MessageRequest) -> [[UInt8]] {
    guard case .fileDescriptorResponse(let found)? = answer(question) else { return [] }
    return found.fileDescriptorProto
  }

  private func errorCode(_ question: Request.MessageRequest?) -> Int32? {
    guard case .errorResponse(let error)? = answer(question) else { return nil }
    #expect(!error.errorMessage.isEmpty)
    return error.errorCode
  }

  @Test("services are listed in order")
  func services() {
    guard case .listServicesResponse(let list)? = answer(.listServices("")) else {
      Issue.record("no list")
      return
    }
    #expect(list.service.map(\.name) == ["a.B", "baton.v1.Orchestrator"])
  }

  @Test("a file comes first, then each file that it needs, once")
  func dependencies() {
    let plan = ProtoFile.batonV1Plan.descriptor
    #expect(files(.fileByFilename("baton/v1/plan.proto")) == [plan])
    let orchestrator = ProtoFile.batonV1Orchestrator.descriptor
    #expect(files(.fileByFilename("baton/v1/orchestrator.proto")) == [orchestrator, plan])
    let status = files(.fileByFilename("google/rpc/status.proto"))
    #expect(
      status == [ProtoFile.googleRpcStatus.descriptor, ProtoFile.googleProtobufAny.descriptor])
  }

  @Test("dependencies of dependencies come along, in circles too")
  func transitive() {
    func file(_ name: String, _ dependencies: [String]) -> ProtoFile {
      ProtoFile(name: name, dependencies: dependencies, descriptor: Array(name.utf8))
    }
    let index = ReflectionIndex(
      files: [
        file("a", ["b", "c"]), file("b", ["c", "gone"]), file("c", ["a", "d"]), file("d", []),
      ],
      services: [])
    let response = index.response(to: Request(messageRequest: .fileByFilename("a")))
    guard case .fileDescriptorResponse(let found)? = response.messageResponse else {
      Issue.record("no files")
      return
    }
    let names = found.fileDescriptorProto.map { String(decoding: $0, as: UTF8.self) }
    #expect(names == ["a", "b", "c", "d"])
  }

  @Test(
    "every kind of symbol leads to its file",
    arguments: [
      "baton.v1.Orchestrator", "baton.v1.Orchestrator.SubmitPlan",
      "baton.v1.StreamPlanEventsResponse", "baton.v1.StreamPlanEventsResponse.event",
      "baton.v1.StreamPlanEventsResponse.item", "baton.v1.PlanView", "baton.v1.PLAN_VIEW_FULL",
      "baton.v1.ListPlansRequest.LabelsEntry", "baton.v1.ListPlansRequest.LabelsEntry.key",
    ])
  func symbols(name: String) {
    #expect(
      files(.fileContainingSymbol(name)).first == ProtoFile.batonV1Orchestrator.descriptor)
  }

  @Test("a nested enum's values are its siblings")
  func nested() {
    let health = ProtoFile.grpcHealthV1Health.descriptor
    for name in ["ServingStatus", "SERVING"] {
      let symbol = "grpc.health.v1.HealthCheckResponse.\(name)"
      #expect(files(.fileContainingSymbol(symbol)) == [health])
    }
    #expect(
      errorCode(
        .fileContainingSymbol("grpc.health.v1.HealthCheckResponse.ServingStatus.SERVING")) == 5)
  }

  @Test("what is not there is NOT_FOUND")
  func unknown() {
    #expect(errorCode(.fileByFilename("baton/v1/nobody.proto")) == 5)
    #expect(errorCode(.fileContainingSymbol("baton.v1")) == 5)
    #expect(errorCode(.fileContainingSymbol("")) == 5)
    #expect(errorCode(.allExtensionNumbersOfType("baton.v1.Nothing")) == 5)
    #expect(errorCode(.allExtensionNumbersOfType("baton.v1.PlanView")) == 5)
    let extended = GrpcReflectionV1.ExtensionRequest(
      containingType: "baton.v1.Plan", extensionNumber: 100)
    #expect(errorCode(.fileContainingExtension(extended)) == 5)
  }

  @Test("a request for nothing is INVALID_ARGUMENT")
  func nothing() {
    #expect(errorCode(nil) == 3)
  }

  @Test("a message without extensions has none")
  func noExtensions() {
    let wanted = GrpcReflectionV1.ExtensionNumberResponse(baseTypeName: "baton.v1.Plan")
    #expect(
      answer(.allExtensionNumbersOfType("baton.v1.Plan")) == .allExtensionNumbersResponse(wanted))
  }

  @Test("bytes that are no descriptor define nothing", arguments: [0, 1, 2, 3])
  func garbage(cut: Int) {
    let cases: [[UInt8]] = [
      [], [0x22, 0x7F, 0x0A], [0x23, 0x01], [UInt8](repeating: 0xFF, count: 32),
    ]
    #expect(DescriptorSymbols(file: cases[cut]).names.isEmpty)
  }

  @Test("numbers, fixed widths and extensions are passed over or named")
  func wire() {
    // package "p"; syntax-like number fields; extension "x"; message "M" with an extension "y".
    let file: [UInt8] =
      [0x12, 1, 0x70] + [0x50, 0xAC, 0x02] + [0x79, 1, 2, 3, 4, 5, 6, 7, 8] + [0x7D, 1, 2, 3, 4]
      + [0x3A, 3, 0x0A, 1, 0x78] + [0x22, 8, 0x32, 3, 0x0A, 1, 0x79, 0x0A, 1, 0x4D]
    let symbols = DescriptorSymbols(file: file)
    #expect(symbols.names == ["p.x", "p.M", "p.M.y"])
    #expect(symbols.messages == ["p.M"])
  }
}

/// Over a real connection, from our own client.
@Suite struct ReflectionCallTests {
  @Test("both versions answer request after request on one stream")
  func stream() async throws {
    let services: [any GRPCService] = [HealthService()]
    let reflection = ReflectionService(files: ProtoFiles.all, serving: services)
    try await withProbe(services: services + [reflection]) { channel, _, _ in
      let calls = [
        try await GrpcReflectionV1ServerReflectionClient(channel).serverReflectionInfo(),
        try await channel.bidirectionalStreaming(
          GrpcReflectionV1alphaServerReflectionClient.serverReflectionInfoMethod),
      ]
      for call in calls {
        var responses = call.responses.makeAsyncIterator()
        for question in [
          GrpcReflectionV1.ServerReflectionRequest.MessageRequest.fileByFilename("gone"),
          .listServices(""), .fileContainingSymbol("grpc.health.v1.Health"),
        ] {
          try await call.requests.write(
            GrpcReflectionV1.ServerReflectionRequest(messageRequest: question))
          let response = try await responses.next()
          #expect(response?.originalRequest?.messageRequest == question)
          if case .listServicesResponse(let list) = response?.messageResponse {
            #expect(
              list.service.map(\.name) == [
                "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                "grpc.reflection.v1alpha.ServerReflection",
              ])
          }
        }
        call.requests.finish()
        #expect(try await responses.next() == nil)
      }
    }
  }
}
