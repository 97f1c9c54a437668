import Configuration
import GRPC
import Testing

@testable import BatonCLI

@Suite struct ListenFailureTests {
  @Test(arguments: ["--listen", "--http"])
  func theAddressThatIsTakenIsNamedInPlainWords(flag: String) async throws {
    let other = GRPCServer(services: [])
    let taken = try await other.start(on: try Address("127.0.0.1:0")).description
    var configuration = Configuration.ServerConfiguration()
    configuration.listen = flag == "--listen" ? taken : "127.0.0.1:0"
    configuration.http = flag == "--http" ? taken : "127.0.0.1:0"
    let failure = await ListenFailure.failure(configuration, CancellationError())
    #expect(
      failure.message == "the server cannot listen on \(taken): Address already in use")
    #expect(failure.advice.contains(flag))
    try await other.shutdown(grace: .zero)
  }
}
