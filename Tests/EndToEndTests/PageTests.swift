import GRPC
import Messages
import Plan
import Stubs
import Testing

/// Lists come in pages of at most 500 items and 1 MiB, without gap and without repetition.
@Suite("Pages", .timeLimit(.minutes(2)))
struct PageTests {
  @Test("a page of plans ends at 1 MiB")
  func plans() async throws {
    let stage = try await Stage(store: "memory")
    let labels = (0..<100).map { "\"l\($0)\":\"\(String(repeating: "x", count: 250))\"" }
    let document = """
      {"labels":{\(labels.joined(separator: ","))},"tasks":[{"id":"a","type":"none"}]}
      """
    let plan = try Plan.reading(document)
    var submitted: [String] = []
    for _ in 0..<45 { submitted.append(try await stage.submit(plan)) }
    var seen: [String] = []
    var request = BatonV1.ListPlansRequest(pageSize: 500)
    var pages = 0
    repeat {
      let page = try await stage.orchestrator.listPlans(request)
      #expect(page.serializedBytes().count <= 1 << 20)
      seen += page.plans.map(\.planId)
      request.pageToken = page.nextPageToken
      pages += 1
    } while !request.pageToken.isEmpty
    #expect(pages == 2 && seen == submitted.sorted().reversed())
    await stage.close()
  }

  @Test("too many labels are refused")
  func labels() async throws {
    let stage = try await Stage(store: "memory")
    var plan = try Plan.reading(#"{"tasks":[{"id":"a","type":"none"}]}"#)
    for index in 0...100 { plan.labels["l\(index)"] = "x" }
    let error = await #expect(throws: RPCError.self) { _ = try await stage.submit(plan) }
    #expect(error?.code == .resourceExhausted && error?.errorInfo?.metadata["field"] == "labels")
    await stage.close()
  }

  @Test("a page of the trace ends at its size or at 1 MiB, and the next one goes on")
  func trace() async throws {
    let stage = try await Stage()
    let planID = try await stage.submit(Plan.reading(#"{"tasks":[{"id":"a","type":"none"}]}"#))
    let reason = String(repeating: "r", count: 1_024)
    for _ in 0..<1_100 {
      _ = try await stage.orchestrator.pausePlan(
        BatonV1.PausePlanRequest(planId: planID, reason: reason))
      _ = try await stage.orchestrator.resumePlan(BatonV1.ResumePlanRequest(planId: planID))
    }
    for size: Int32 in [0, 7] {
      var seen: [Int64] = []
      var request = BatonV1.GetPlanTraceRequest(planId: planID, pageSize: size)
      repeat {
        let page = try await stage.orchestrator.getPlanTrace(request)
        #expect(page.serializedBytes().count <= 1 << 20)
        #expect(page.events.count <= (size == 0 ? 500 : 7))
        seen += page.events.map(\.seq)
        request.fromSeq = page.nextSeq
      } while request.fromSeq != 0
      #expect(seen == Array(1...2_202))
    }
    await stage.close()
  }
}
