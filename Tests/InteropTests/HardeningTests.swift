import Foundation
import Testing

/// `make soak` in short: every attack for a moment, and what connections cost. How much slower a
/// healthy client gets is measured in the soak alone, where nothing else runs.
@Suite(.serialized) struct HardeningTests {
  @Test func aServerWithstandsEveryAttack() async throws {
    let server = try InteropProgram.ours("interop-server").process([])
    let path = try #require(server.executableURL?.path)
    #if DEBUG
      let enforced = "none"
    #else
      let enforced = "memory"
    #endif
    let soak = try InteropProgram.python("soak").process([])
    soak.arguments = [
      "-m", "hardening.soak", "--server", path, "--seconds", "0.5", "--enforce", enforced,
    ]
    let (status, lines) = try await output(of: soak)
    #expect(status == 0, "\(lines.joined(separator: "\n"))")
    let result = try #require(lines.last { $0.hasPrefix("RESULT ") })
    #expect(result.contains("errors=0"))
  }
}
