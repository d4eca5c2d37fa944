//! Pages as data, and the HTML they become.
