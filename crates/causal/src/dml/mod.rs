//! Double machine learning recipes: learner + folds + score + inference.
