import Foundation
import Testing

@testable import RainStudio

extension Browser {
    /// What is wrong with the page as it is laid out now, in words.
    func faults() async throws -> [String] {
        try await value(
            """
            (() => {
              // What is wrong with the page as it is laid out now, in words: what hangs over, is clipped, or lies on something else.
              const faults = [], name = element => `${element.tagName.toLowerCase()}${element.id ? `#${element.id}` : ""} '${(element.textContent || element.value || "").trim().slice(0, 30)}'`;
              // The window of a phone grows with what hangs over; the root does not.
              const width = document.documentElement.clientWidth;
              if (document.documentElement.scrollWidth > width) faults.push(`the page is ${document.documentElement.scrollWidth - width} pixels too wide`);
              const root = document.querySelector("dialog[open]") ?? document.body;
              const isSeen = element => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
              // Texts as they are drawn, without what lies on the picture.
              const texts = [], walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
              while (walker.nextNode()) {
                const node = walker.currentNode, element = node.parentElement;
                if (!node.data.trim() || !isSeen(element) || element.closest(".told, .stagebox, .skip, option, script, .placeview")) continue;
                const range = document.createRange();
                range.selectNodeContents(node);
                for (const box of range.getClientRects()) {
                  // The lines of a long name after the second are not drawn.
                  const name = element.closest(".who");
                  if (box.width > 1 && !(name && box.bottom > name.getBoundingClientRect().bottom + 1)) texts.push({ element, box });
                }
              }
              const within = (inner, outer, slack) => inner.left >= outer.left - slack && inner.right <= outer.right + slack && inner.top >= outer.top - slack && inner.bottom <= outer.bottom + slack;
              for (const { element, box } of texts) {
                if (box.left < -0.5 || box.right > width + 0.5) faults.push(`${name(element)} hangs over the page`);
                const around = element.closest("button, .button, .pill, summary, .card, .panel, dialog, header");
                // What scrolls is larger than what is seen of it; what ends in an ellipsis is meant to.
                if (around && !element.closest(".scrolls, .who") && !(around.matches("dialog")) && !within(box, around.getBoundingClientRect(), 1)) faults.push(`${name(element)} hangs over ${name(around)}`);
              }
              for (const element of root.querySelectorAll("button, .button, label, dt, dd, figcaption, h1, h2, h3, p, input:not([type]), input[readonly], summary, b, output")) {
                if (!isSeen(element) || element.closest(".told, .who, .skip")) continue;
                if (element.matches("input[readonly]")) continue; // an address, which may be longer
                if (element.scrollWidth > element.clientWidth + 1 && element.clientWidth) faults.push(`${name(element)} is clipped: ${element.scrollWidth} in ${element.clientWidth} pixels`);
              }
              for (const element of root.querySelectorAll("select")) {
                if (!isSeen(element)) continue;
                const style = getComputedStyle(element), context = document.createElement("canvas").getContext("2d");
                context.font = style.font;
                const room = element.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 12;
                const text = element.selectedOptions[0]?.textContent ?? "";
                if (context.measureText(text).width > room) faults.push(`${name(element)} clips '${text}'`);
              }
              const overlap = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;
              const band = document.querySelector(".band");
              texts.forEach((one, index) => {
                for (const other of texts.slice(index + 1)) {
                  if (one.element !== other.element && !one.element.contains(other.element) && !other.element.contains(one.element) && overlap(one.box, other.box))
                    faults.push(`${name(one.element)} lies on ${name(other.element)}`);
                }
              });
              // Controls do not lie on each other, and nothing that is told lies on one.
              const controls = [...root.querySelectorAll("button:not(.handle), a.button, input, select, summary")].filter(isSeen)
                .map(element => ({ element, box: (element.matches(".switch input") ? element.parentElement : element).getBoundingClientRect() }));
              controls.forEach((one, index) => {
                for (const other of controls.slice(index + 1)) {
                  if (overlap(one.box, other.box) && !one.element.closest(".recent")) faults.push(`${name(one.element)} lies on ${name(other.element)}`);
                }
                for (const told of document.querySelectorAll(".told > *, .toast")) {
                  // Controls that have scrolled under the stage are not to be seen.
                  if (root === document.body && isSeen(told) && overlap(told.getBoundingClientRect(), one.box) && !overlap(one.box, band.getBoundingClientRect()))
                    faults.push(`${name(told)} covers ${name(one.element)}`);
                }
                if (matchMedia("(pointer: coarse)").matches && one.element.matches("button:not(.remove), .button, select") && one.box.height < 39.5) faults.push(`${name(one.element)} is ${one.box.height} pixels high, too small for a finger`);
              });
              const view = root.querySelector(".placeview");
              if (view && root !== document.body) {
                for (const { element, box } of [...texts, ...controls]) if (overlap(view.getBoundingClientRect(), box)) faults.push(`the picture lies on ${name(element)}`);
              }
              for (const told of document.querySelectorAll(".toast, .hint")) {
                if (root === document.body && isSeen(told) && !within(told.getBoundingClientRect(), document.querySelector(".stagebox").getBoundingClientRect(), 0.5)) faults.push(`${name(told)} hangs over the picture`);
              }
              return faults;
            })()
            """, [String].self)
    }
}

extension Studio {
    /// How the page is laid out, in a real browser. What is seen is kept in `Tests/Screenshots`.
    @Suite(.enabled(if: Browser.program != nil, "needs Chromium (Debian: chromium); without it the page is not tried"))
    struct LayoutBrowserTests {
        struct Size: CustomTestStringConvertible, Sendable {
            var width: Int
            var height: Int
            /// Whether it is a screen for fingers.
            var isTouch: Bool

            var name: String { "\(width)x\(height)" }
            var testDescription: String { name }
        }

        private static let sizes = [
            Size(width: 1440, height: 900, isTouch: false), Size(width: 1024, height: 768, isTouch: true),
            Size(width: 390, height: 844, isTouch: true),
        ]

        private func open(_ browser: Browser, _ studio: TestStudio, _ size: Size, _ theme: String, forced: Bool = false) async throws {
            try await browser.theme(theme, forced: forced)
            try await browser.resize(size.width, size.height, phone: size.isTouch)
            try await browser.open("http://localhost:\(studio.port)/")
            try await until("the page") { (try? await browser.value("window.studio?.frames ?? 0", Int.self)) ?? 0 > 0 }
            try await until("what is measured") {
                try await browser.value("['step', 'fps'].every(id => document.getElementById(id).textContent !== '–')", Bool.self)
            }
        }

        private func expectSound(_ browser: Browser, _ place: String) async throws {
            let faults = try await browser.faults()
            #expect(faults.isEmpty, "\(place): \(faults)")
        }

        private func top(_ browser: Browser, _ id: String) async throws -> Double {
            try await browser.value("document.getElementById('\(id)').getBoundingClientRect().top", Double.self)
        }

        @Test(arguments: sizes, ["dark", "light"]) func nothingHangsOverOrCollides(size: Size, theme: String) async throws {
            try await TestStudio.run(embedded: true, detector: DrawnFilmDetector()) { studio in
                try await Browser.run { browser in
                    try await open(browser, studio, size, theme)
                    let name = "page-\(size.name)-\(theme)"
                    try await browser.screenshot(name)
                    try await expectSound(browser, "at first")

                    // On the first screen are the stage and the way to a picture of one's own.
                    let bottom = try await browser.value("document.getElementById('upload').getBoundingClientRect().bottom", Double.self)
                    #expect(bottom < Double(size.height))
                    let seen = try await browser.value("document.body.innerText", String.self)
                    let words = ["pointer", "Click", "Wheel", "Drop or paste", "Keys"]
                    let said = words.filter { seen.contains($0) }
                    #expect(said == (size.isTouch ? [] : words))
                    #expect(seen.contains("finger") == size.isTouch)
                    let tops = [try await top(browser, "picture"), try await top(browser, "drive")]
                    #expect(tops[0] < tops[1])
                    let hud = try await top(browser, "hud")
                    #expect(size.width > 400 || hud > tops[1], "controls come before measurements")
                    #expect(try await browser.value("!document.getElementById('plot').checkVisibility()", Bool.self), "figures are folded")

                    // Everything opened, and told: on the picture, wherever the page is scrolled to.
                    try await browser.run("for (const part of document.querySelectorAll('details')) part.open = true")
                    try await Task.sleep(for: .milliseconds(400))
                    var place = 0.0
                    var isAtEnd = false
                    while !isAtEnd {
                        try await browser.run("document.getElementById('character').value = 'x'; document.getElementById('call').click()")
                        let told = try await browser.value("document.querySelectorAll('.toast').length", Int.self)
                        #expect(told > 0)
                        let isInView = try await browser.value(
                            "[...document.querySelectorAll('.toast')].every(told => { const box = told.getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight })",
                            Bool.self)
                        #expect(isInView, "what is told is in view at \(place)")
                        try await expectSound(browser, "scrolled to \(place)")
                        if place == 0 { try await browser.screenshot("\(name)-open") }
                        place += Double(size.height) * 0.4
                        try await browser.run("scrollTo(0, \(place))")
                        isAtEnd = try await browser.value("scrollY + 1 < \(place)", Bool.self)
                    }
                    try await Task.sleep(for: .milliseconds(300))
                    try await browser.screenshot("\(name)-below")
                    try await browser.run("document.getElementById('drive').scrollIntoView()")
                    try await Task.sleep(for: .milliseconds(300))
                    try await browser.screenshot("\(name)-drive")
                }
            }
        }

        /// Faults that are made are found, so that a page without any has none.
        @Test func faultsAreFound() async throws {
            try await TestStudio.run(embedded: true) { studio in
                try await Browser.run { browser in
                    try await open(browser, studio, Self.sizes[2], "dark")
                    for (style, word) in [
                        ("main { width: 500px }", "too wide"), ("#upload { width: 60px; overflow: hidden }", "clipped"),
                        ("#cuthint { margin-top: -30px }", "lies on"), ("#call { margin-left: -40px }", "lies on"),
                        (".told { position: fixed; inset: auto 0 0 }", "covers"), ("#blink { min-height: 20px; height: 20px }", "finger"),
                    ] {
                        try await browser.run(
                            "const style = document.createElement('style'); style.id = 'wrong'; style.textContent = '\(style)';"
                                + "document.head.append(style)")
                        let faults = try await browser.faults()
                        #expect(faults.contains { $0.contains(word) }, "\(style): \(faults)")
                        try await browser.run("document.getElementById('wrong').remove()")
                    }
                }
            }
        }

        /// Where the system chooses the colours, switches and what is pressed are still told apart.
        @Test func forcedColorsLeaveNothingOut() async throws {
            try await TestStudio.run(embedded: true) { studio in
                try await Browser.run { browser in
                    try await open(browser, studio, Self.sizes[0], "dark", forced: true)
                    try await browser.run("document.getElementById('hud').open = true; document.querySelector('[data-preset]').click()")
                    try await until("a preset") {
                        try await browser.value("!!document.querySelector('[data-preset][aria-pressed=true]')", Bool.self)
                    }
                    let styles = try await browser.value(
                        """
                        (() => { const look = (id, name) => getComputedStyle(document.querySelector(id))[name];
                        return [look('#follow + span', 'borderTopWidth'), look('#follow + span', 'backgroundColor'), look('#microphone + span', 'backgroundColor'),
                        look('[data-preset][aria-pressed=true]', 'borderTopColor'), look('[data-preset][aria-pressed=false]', 'borderTopColor')] })()
                        """, [String].self)
                    #expect(styles[0] != "0px" && styles[1] != styles[2] && styles[3] != styles[4], "\(styles)")
                    try await expectSound(browser, "forced colours")
                    try await browser.screenshot("forced-colors")
                    try await browser.run("scrollTo(0, 1e6)")
                    try await Task.sleep(for: .milliseconds(300))
                    try await browser.screenshot("forced-colors-below")
                }
            }
        }

        /// A phone on its side has both stage and controls in view.
        @Test func aPhoneOnItsSide() async throws {
            try await TestStudio.run(embedded: true) { studio in
                try await Browser.run { browser in
                    try await open(browser, studio, Size(width: 844, height: 390, isTouch: true), "dark")
                    try await expectSound(browser, "on its side")
                    let isInView = try await browser.value(
                        "['stage', 'blink', 'upload'].every(id => document.getElementById(id).getBoundingClientRect().bottom <= innerHeight)",
                        Bool.self)
                    #expect(isInView)
                    try await browser.screenshot("page-844x390")
                }
            }
        }
    }
}
