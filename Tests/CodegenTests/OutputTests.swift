import Foundation
import Testing

/// What the plugin emits, where the tests of Messages do not see it.
@Suite struct OutputTests {
  private static let proto = """
    syntax = "proto3";
    package shop.orders.v2;

    // Takes orders.
    //
    // Twice, if need be.
    service Till {
      // Rings up one order | or none.
      rpc RingUp(Order) returns (Receipt);
      // Watches the till.
      rpc Watch(Order) returns (stream Receipt);
      // Counts the day's takings.
      rpc Count(stream Receipt) returns (Order);
      // Talks to the customer.
      rpc Talk(stream Order) returns (stream Receipt);
    }

    // An order.
    message Order {
      // Who asks.
      string customer_name = 1;
      int32 count = 2;  // How many.
      repeated Receipt.Line lines = 3;
      map<string, Colour> colours = 4;
      // May be missing.
      oneof discount { int64 discount_cents = 5; }
    }

    message Receipt {
      // A line of it.
      message Line { string text = 1; }
      Line first = 1;
    }

    // Red or not.
    enum Colour {
      COLOUR_UNSPECIFIED = 0;
      // Rather red.
      COLOUR_DARK_RED = 1;
    }
    """

  private func expect(
    _ text: String?, contains parts: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for part in parts {
      #expect(text?.contains(part) == true, "\(part)", sourceLocation: sourceLocation)
    }
  }

  @Test func messages() throws {
    let run = try PluginRun(["till_book.proto": Self.proto])
    #expect(run.diagnostics.isEmpty)
    #expect(run.files.keys.sorted() == ["Namespaces.swift", "ShopOrdersV2TillBook.swift"])
    expect(run.files["Namespaces.swift"], contains: "public enum ShopOrdersV2 {}")
    expect(
      run.files["ShopOrdersV2TillBook.swift"], contains: "import CMessages\n",
      "  /// An order.\n  public struct Order: Message {",
      "    /// Who asks.\n    public var customerName: String\n",
      "    /// How many.\n    public var count: Int32\n",
      "public var lines: [ShopOrdersV2.Receipt.Line]\n",
      "public var colours: [String: ShopOrdersV2.Colour]\n",
      "    /// May be missing.\n    public var discount: Discount?\n",
      "case discountCents(Int64)", "public var first: ShopOrdersV2.Receipt.Line?\n",
      "    /// Rather red.\n    case darkRed", "case unrecognized(Int32)")
  }

  @Test func messagesForTests() throws {
    let run = try PluginRun(
      ["till.proto": Self.proto],
      options: "mode=messages,c_module=CTill,support=Messages,visibility=internal")
    let source = run.files["ShopOrdersV2Till.swift"]
    expect(source, contains: "import CTill\n", "import Messages\n")
    #expect(source?.contains("public") == false)
    #expect(source?.contains("package") == false)
  }

  @Test func messagesOfAnotherModule() throws {
    let run = try PluginRun(
      ["till.proto": Self.proto], options: "c_module=CTill,support=Messages")
    expect(
      run.files["ShopOrdersV2Till.swift"],
      contains: "package import CTill\n", "public import Messages\n", "public struct Order")
  }

  @Test func stubs() throws {
    let run = try PluginRun(["till.proto": Self.proto], options: "mode=stubs")
    #expect(run.diagnostics.isEmpty)
    #expect(run.files.keys.sorted() == ["ProtoFiles.swift", "ShopOrdersV2TillStubs.swift"])
    expect(
      run.files["ShopOrdersV2TillStubs.swift"],
      contains: "/// Takes orders.\n///\n/// Twice, if need be.\npublic protocol TillService",
      "  /// Rings up one order | or none.\n  func ringUp(", "responses: ResponseWriter<",
      "public struct TillClient: Sendable {", "public static let watchMethod = MethodDescriptor(",
      "service: \"shop.orders.v2.Till\", method: \"RingUp\"")
  }

  private static func spaced(_ text: String) -> String {
    text.split { $0 == " " || $0 == "\n" }.joined(separator: " ")
  }

  /// The four kinds of calls, without regard to line breaks.
  @Test(arguments: [
    [
      "func ringUp(_ request: ShopOrdersV2.Order, context: ServerContext) async throws "
        + "-> ShopOrdersV2.Receipt",
      ".unary(TillClient.ringUpMethod) { request, context in "
        + "try await self.ringUp(request, context: context) },",
      "public func ringUp(_ request: ShopOrdersV2.Order, options: CallOptions = CallOptions()) "
        + "async throws -> ShopOrdersV2.Receipt { "
        + "try await channel.unary(Self.ringUpMethod, request, options) }",
    ],
    [
      "func watch(_ request: ShopOrdersV2.Order, "
        + "responses: ResponseWriter<ShopOrdersV2.Receipt>, context: ServerContext) async throws",
      ".serverStreaming(TillClient.watchMethod) { request, responses, context in "
        + "try await self.watch(request, responses: responses, context: context) },",
      "public func watch(_ request: ShopOrdersV2.Order, options: CallOptions = CallOptions()) "
        + "async throws -> ResponseStream<ShopOrdersV2.Receipt> { "
        + "try await channel.serverStreaming(Self.watchMethod, request, options) }",
    ],
    [
      "func count(_ requests: RequestStream<ShopOrdersV2.Receipt>, context: ServerContext) "
        + "async throws -> ShopOrdersV2.Order",
      ".clientStreaming(TillClient.countMethod) { requests, context in "
        + "try await self.count(requests, context: context) },",
      "public func count(options: CallOptions = CallOptions()) async throws -> "
        + "ClientStreamingCall<ShopOrdersV2.Receipt, ShopOrdersV2.Order> { "
        + "try await channel.clientStreaming(Self.countMethod, options) }",
    ],
    [
      "func talk(_ requests: RequestStream<ShopOrdersV2.Order>, "
        + "responses: ResponseWriter<ShopOrdersV2.Receipt>, context: ServerContext) async throws",
      ".bidirectionalStreaming(TillClient.talkMethod) { requests, responses, context in "
        + "try await self.talk(requests, responses: responses, context: context) },",
      "public func talk(options: CallOptions = CallOptions()) async throws -> "
        + "BidirectionalCall<ShopOrdersV2.Order, ShopOrdersV2.Receipt> { "
        + "try await channel.bidirectionalStreaming(Self.talkMethod, options) }",
    ],
  ])
  func callsOfEveryKind(lines: [String]) throws {
    let run = try PluginRun(["till.proto": Self.proto], options: "mode=stubs")
    let source = Self.spaced(run.files["ShopOrdersV2TillStubs.swift"] ?? "")
    for line in lines { #expect(source.contains(line), "\(line)") }
  }

  @Test func stubsOfAnotherModule() throws {
    let run = try PluginRun(
      ["till.proto": Self.proto],
      options: "mode=stubs,messages_module=Orders,files_type=TillFiles")
    #expect(run.files.keys.sorted() == ["ShopOrdersV2TillStubs.swift", "TillFiles.swift"])
    expect(
      run.files["ShopOrdersV2TillStubs.swift"],
      contains: "public import GRPC\npublic import Orders\n")
    expect(run.files["TillFiles.swift"], contains: "public enum TillFiles {")
  }

  /// Two versions of a service may be served side by side.
  @Test func servicesOfOneNameGetTheirPackageBeforeIt() throws {
    let run = try PluginRun(
      [
        "a.proto": "syntax = \"proto3\";\npackage a.v1;\nmessage M {}\nservice S {}",
        "b.proto": "syntax = \"proto3\";\npackage a.v2;\nmessage M {}\nservice S {}\nservice T {}",
      ], options: "mode=stubs")
    #expect(run.diagnostics.isEmpty)
    expect(run.files["AV1AStubs.swift"], contains: "protocol AV1SService", "struct AV1SClient")
    expect(run.files["AV2BStubs.swift"], contains: "protocol AV2SService", "protocol TService")
  }

  /// The descriptor of a file is protoc's own, but for the comments.
  @Test func descriptors() throws {
    let run = try PluginRun(
      [
        "till.proto": Self.proto,
        "shop.proto": """
        syntax = "proto3";
        package shop.v1;
        import "till.proto";
        import "google/protobuf/duration.proto";
        message Shop { shop.orders.v2.Order order = 1; google.protobuf.Duration open = 2; }
        """,
      ], options: "mode=stubs")
    let source = try #require(run.files["ProtoFiles.swift"])
    expect(
      source, contains: "public static let shopOrdersV2Till = ProtoFile(",
      "name: \"shop.proto\",\n",
      "dependencies: [\"till.proto\", \"google/protobuf/duration.proto\"],\n",
      "public enum ProtoFiles {")
    for name in ["till", "shop"] {
      let theirs = try #require(run.descriptors["\(name).proto"])
      let after = try #require(source.components(separatedBy: "name: \"\(name).proto\"").last)
      let literal = after.components(separatedBy: "\"\"\"")[1]
      let text = literal.filter { !$0.isWhitespace && $0 != "\\" }
      #expect(Data(base64Encoded: text) == theirs)
    }
  }

  @Test func docs() throws {
    let run = try PluginRun(["till.proto": Self.proto], options: "mode=docs")
    #expect(run.diagnostics.isEmpty)
    #expect(run.files.keys.sorted() == ["api.md"])
    let page = try #require(run.files["api.md"])
    expect(
      page, contains: "### shop.orders.v2.Till", "Rings up one order \\| or none.",
      "(#shop.orders.v2.Order) → stream of [Receipt](#shop.orders.v2.Receipt)",
      "| 1 | `customer_name` | string | Who asks. |", "map of string to [Colour]",
      "| 1 | `COLOUR_DARK_RED` | Rather red. |")
    let headings = page.split(separator: "\n").filter { $0.hasPrefix("## ") }
    #expect(headings == ["## Services", "## Messages", "## Enums"])
  }

  @Test func allOrNothing() throws {
    let run = try PluginRun([
      "a.proto": "syntax = \"proto3\";\npackage a;\nmessage Fine {}",
      "b.proto": "syntax = \"proto3\";\npackage b;\nmessage M { optional int32 a = 1; }",
    ])
    #expect(!run.succeeded)
    #expect(run.files.isEmpty)
  }
}
