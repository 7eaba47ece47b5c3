//! Least squares with errors clustered by unit: the oracle that the recovery tests share.

/// Coefficients and their standard errors.
pub struct Fit {
    /// One per column.
    pub coefficients: Vec<f64>,
    /// Clustered by unit (sandwich, no small-sample factor).
    pub std_errors: Vec<f64>,
}

/// Ordinary least squares of `y` on the rows of `x`; rows of one unit stand together.
pub fn least_squares(x: &[Vec<f64>], y: &[f64], unit: &[u32]) -> Fit {
    let k = x[0].len();
    let mut gram = vec![vec![0.0; k]; k];
    let mut cross = vec![0.0; k];
    for (row, y) in x.iter().zip(y) {
        for i in 0..k {
            cross[i] += row[i] * y;
            for j in 0..k {
                gram[i][j] += row[i] * row[j];
            }
        }
    }
    let inverse = invert(gram);
    let times = |v: &[f64]| -> Vec<f64> {
        let dot = |row: &Vec<f64>| row.iter().zip(v).map(|(a, b)| a * b).sum();
        inverse.iter().map(dot).collect()
    };
    let coefficients = times(&cross);
    let mut variances = vec![0.0; k];
    let mut start = 0;
    while start < unit.len() {
        let end = start + unit[start..].iter().take_while(|u| **u == unit[start]).count();
        let mut score = vec![0.0; k];
        for row in start..end {
            let fitted: f64 = x[row].iter().zip(&coefficients).map(|(a, b)| a * b).sum();
            for i in 0..k {
                score[i] += x[row][i] * (y[row] - fitted);
            }
        }
        for (variance, influence) in variances.iter_mut().zip(times(&score)) {
            *variance += influence * influence;
        }
        start = end;
    }
    Fit {
        coefficients,
        std_errors: variances.into_iter().map(f64::sqrt).collect(),
    }
}

/// Gauss and Jordan with partial pivoting.
fn invert(mut a: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let k = a.len();
    for (i, row) in a.iter_mut().enumerate() {
        row.extend((0..k).map(|j| f64::from(u8::from(i == j))));
    }
    for i in 0..k {
        let pivot = (i..k)
            .max_by(|p, q| a[*p][i].abs().total_cmp(&a[*q][i].abs()))
            .unwrap();
        a.swap(i, pivot);
        let lead = a[i][i];
        a[i].iter_mut().for_each(|v| *v /= lead);
        let pivot_row = a[i].clone();
        for (j, row) in a.iter_mut().enumerate() {
            if j != i {
                let factor = row[i];
                row.iter_mut().zip(&pivot_row).for_each(|(v, p)| *v -= factor * p);
            }
        }
    }
    a.into_iter().map(|row| row[k..].to_vec()).collect()
}
