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
      "    /// Who asks.\n    public var customerName: String = \"\"",
      "    /// How many.\n    public var count: Int32 = 0",
      "public var lines: [ShopOrdersV2.Receipt.Line] = []",
      "public var colours: [String: ShopOrdersV2.Colour] = [:]",
      "    /// May be missing.\n    public var discount: Discount? = nil",
      "case discountCents(Int64)", "public var first: ShopOrdersV2.Receipt.Line? = nil",
      "    /// Rather red.\n    case darkRed", "case unrecognized(Int32)")
  }

  @Test func messagesForTests() throws {
    let run = try PluginRun(
      ["till.proto": Self.proto], options: "mode=messages,c_module=CTill,testable=Messages")
    let source = run.files["ShopOrdersV2Till.swift"]
    expect(source, contains: "import CTill\n", "@testable import Messages\n")
    #expect(source?.contains("public") == false)
  }

  @Test func stubs() throws {
    let run = try PluginRun(["till.proto": Self.proto], options: "mode=stubs")
    #expect(run.diagnostics.isEmpty)
    #expect(run.files.keys.sorted() == ["ShopOrdersV2TillStubs.swift"])
    expect(
      run.files["ShopOrdersV2TillStubs.swift"],
      contains: "/// Takes orders.\n///\n/// Twice, if need be.\npublic protocol TillService",
      "  /// Rings up one order | or none.\n  func ringUp(", "responses: ResponseWriter<",
      "public struct TillClient: Sendable {", "public static let watchMethod = MethodDescriptor(",
      "service: \"shop.orders.v2.Till\", method: \"RingUp\"")
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
