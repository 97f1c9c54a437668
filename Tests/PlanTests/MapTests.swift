import JSON
import Testing

@testable import Plan

/// `map:` at submission and in payloads.
struct MapTests {
  @Test("over is one reference to the inputs or upstream, and items are for mapped tasks")
  func validation() {
    var plan = Plan(["a": [], "b": ["a"], "c": []])
    plan.inputs = Array(#"{"list":[]}"#.utf8)
    plan.tasks[1].map = MapOptions(over: "${{ tasks.a.output.x }}", maxParallel: 1)
    plan.tasks[1].payload = Array(#"{"p":"${{ item.name }} ${{ index }} ${{ item }}"}"#.utf8)
    plan.tasks[2].map = MapOptions(over: "${{ inputs.list }}")
    #expect(refusals(plan) == [])
    for (over, reason) in [
      ("inputs.list", "BAD_REFERENCE"), ("x ${{ inputs.list }}", "BAD_REFERENCE"),
      ("", "BAD_REFERENCE"), ("${{ item }}", "BAD_REFERENCE"),
      ("${{ inputs.no }}", "BAD_REFERENCE"),
      ("${{ tasks.z.output }}", "BAD_REFERENCE"), ("${{ tasks.b.output }}", "NOT_UPSTREAM"),
    ] {
      plan.tasks[2].map = MapOptions(over: over)
      #expect(refusals(plan) == ["tasks[2].map.over \(reason)"], "\(over)")
    }
    plan.tasks[2].map = MapOptions(over: "${{ inputs.list }}", maxParallel: 0)
    plan.tasks[0].payload = Array(#"{"p":"${{ item }}"}"#.utf8)
    #expect(
      refusals(plan) == [
        "tasks[0].payload BAD_REFERENCE", "tasks[2].map.max_parallel OUT_OF_RANGE",
      ])
  }

  private func map(_ over: String) throws -> CompiledMap {
    var plan = Plan(["a": []])
    plan.inputs = Array(#"{"list":[]}"#.utf8)
    plan.tasks[0].map = MapOptions(over: over)
    return try #require(try CompiledPlan(plan).maps[0])
  }

  @Test("items are the bytes of the list's elements")
  func items() throws {
    let over = try map("${{ inputs.list }}")
    let items = try MapItems(in: Array(#"{"list":[1.50, {"x":"y"},[] ]}"#.utf8), at: over)
    #expect(items.count == 3)
    #expect(
      (0..<3).map { String(decoding: items[$0].json, as: UTF8.self) } == [
        "1.50", #"{"x":"y"}"#, "[]",
      ])
    for (json, code, words) in [
      (#"{"list":{}}"#, "MAP_NOT_A_LIST", "is an object"),
      (#"{"list":null}"#, "MAP_NOT_A_LIST", "is null"),
      (#"{}"#, "REFERENCE_MISSING", "leads to nothing"),
    ] {
      let error = #expect(throws: MapError.self) {
        try MapItems(in: Array(json.utf8), at: over)
      }
      #expect(error?.code == code && error?.message.contains(words) == true)
    }
    #expect(MapItems.join([Array("1".utf8), nil, Array("{}".utf8)]) == Array("[1,null,{}]".utf8))
    #expect(MapItems.join([]) == Array("[]".utf8))
  }

  @Test("item and index are put into payloads, items with their JSON type")
  func rendering() throws {
    let template = try PayloadTemplate(
      compiling: Array(
        #"{"i":"${{ index }}","v":"${{ item.x }}","t":"n ${{ index }}: ${{ item }}"}"#.utf8),
      field: "")
    let item = MapItem(index: 3, json: Array(#"{"x":[1]}"#.utf8))
    let bytes = try template.render(inputs: [], item: item) { _ in nil }
    #expect(
      String(decoding: bytes, as: UTF8.self)
        == #"{"i":3,"v":[1],"t":"n 3: {\"x\":[1]}"}"#)
  }
}
