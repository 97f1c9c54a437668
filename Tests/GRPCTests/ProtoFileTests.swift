import GRPC
import Messages
import Stubs
import Testing

/// The descriptors that the stubs carry for reflection.
@Suite struct ProtoFileTests {
  @Test func everyImportIsThere() {
    let names = ProtoFiles.all.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(names.contains("baton/v1/orchestrator.proto"))
    #expect(names.contains("google/protobuf/duration.proto"))
    for file in ProtoFiles.all {
      #expect(Set(file.dependencies).isSubset(of: names))
    }
  }

  /// Field 1 of a FileDescriptorProto is the file's name.
  @Test func descriptorsAreDescriptors() {
    for file in ProtoFiles.all {
      let name = Array(file.name.utf8)
      #expect(file.descriptor.starts(with: [0x0A, UInt8(name.count)] + name))
    }
  }

  @Test func servicesNameTheirFile() {
    struct Silent: Stubs.HealthService {
      func check(
        _ request: GrpcHealthV1.HealthCheckRequest, context: ServerContext
      ) async throws -> GrpcHealthV1.HealthCheckResponse { .init() }
      func list(
        _ request: GrpcHealthV1.HealthListRequest, context: ServerContext
      ) async throws -> GrpcHealthV1.HealthListResponse { .init() }
      func watch(
        _ request: GrpcHealthV1.HealthCheckRequest,
        responses: ResponseWriter<GrpcHealthV1.HealthCheckResponse>, context: ServerContext
      ) async throws {}
    }
    #expect(Silent().protoFile == .grpcHealthV1Health)
  }
}
