// Rows whose numbers lie in one place or, side by side, in two: what is read of a concatenation without making it.

struct Sides {
    const float *parts[2];
    long counts[2];  // numbers of a row in each part, whose rows lie one behind the other; none in the second of what is one

    /// Row `row` of a part.
    const float *row(int part, long row) const { return parts[part] + row * counts[part]; }
    long count() const { return counts[0] + counts[1]; }
    /// Where a part begins in a row.
    long begin(int part) const { return part * counts[0]; }
};

RAIN_INLINE Sides whole(const float *rows, long count) { return {{rows, nullptr}, {count, 0}}; }
