extension CharacterLayer {
    /// How near to the camera the front hair lies at a place of the head: hair of crown, fringe and locks, and what sits on them.
    ///
    /// A rounded forehead that falls off towards the temples and the top of the head. The wide procedural world draws everything of
    /// the layer at these depths, so that the hair of a drawn picture can be moved the same way. Smooth, and defined everywhere.
    ///
    /// - Parameters:
    ///   - x: to the right of the head's middle, in half head widths
    ///   - y: below the head's middle, in half head widths
    /// - Returns: in half head widths from the head's middle towards the camera, 0.1…0.72
    public static func frontDepth(x: Double, y: Double) -> Double {
        let across = max(0, 1 - (x / 1.12) * (x / 1.12))
        // Above the hairline the head bends back; what hangs below the brows lies on the cheeks.
        let rise = (y + 0.35) / 0.95
        let along = y < -0.35 ? max(0, 1 - rise * rise) : 1
        return 0.1 + 0.62 * across * along
    }
}
