import Foundation
import GRPC
import Messages
import Plan
import PlanMapping
import Stubs
import Testing

@Suite("Large plans", .timeLimit(.minutes(3)))
struct LargePlansTests {
  private static let callers = 40
  /// `limits.request_bytes`, as much again for what the checks make of the plans, and what the
  /// allocator keeps, which depends on how threads are scheduled: 350 to 610 MB were seen. Without a
  /// bound it is above 2 GB.
  private static let peakBytesMax = 1_000_000_000

  /// Near the limits: 15,000 tasks, each with a payload of 900 bytes.
  private static func plan() -> BatonV1.Plan {
    var plan = BatonV1.Plan()
    let payload = Array("{\"prompt\":\"\(String(repeating: "x", count: 880))\"}".utf8)
    plan.tasks = (0..<15_000).map { index in
      var task = BatonV1.Task()
      task.id = "t\(index)"
      task.type = "prompt"
      task.payloadJson = payload
      return task
    }
    return plan
  }

  @Test("many large plans at once cost bounded memory; who is refused may try again")
  func manyAtOnce() async throws {
    let stage = try await Stage(store: "memory")
    let request = BatonV1.ValidatePlanRequest(plan: Self.plan())
    let channels = try (0..<4).map { _ in try ClientChannel(target: stage.address) }
    let refusals = await withTaskGroup(of: RPCError?.self) { group in
      for index in 0..<Self.callers {
        let client = OrchestratorClient(channels[index % channels.count])
        group.addTask {
          do {
            let answer = try await client.validatePlan(request)
            #expect(answer.problems.isEmpty)
            return nil
          } catch {
            return error as? RPCError
          }
        }
      }
      return await group.reduce(into: [RPCError?]()) { $0.append($1) }
    }
    #expect(refusals.contains { $0 == nil }, "some were answered")
    let refused = refusals.compactMap(\.self)
    #expect(!refused.isEmpty)
    for error in refused {
      #expect(error.code == .resourceExhausted)
      #expect(error.reason == "TOO_MANY_REQUEST_BYTES")
      #expect(error.retryDelay == .seconds(1))
    }
    let peak = try Self.peakBytes(stage.server.pid)
    #expect(peak < Self.peakBytesMax, "\(refused.count) refused, \(peak / 1_000_000) MB")
    // All that was taken has been given back.
    let alone = try await stage.orchestrator.validatePlan(request)
    #expect(alone.problems.isEmpty)
    for channel in channels { channel.close() }
    await stage.close()
  }

  /// The most memory that a process has had (proc(5), VmHWM).
  private static func peakBytes(_ pid: Int32) throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
    let kilobytes = try #require(line.split(separator: " ").dropFirst().first.flatMap { Int($0) })
    return kilobytes * 1024
  }
}
