//! Reads what a bill of materials, `CycloneDX` in JSON, says that an image is made of.

use std::{fs, path::Path};

use serde::Deserialize;

use crate::observation::BillOfMaterials;

/// By which a component says where in the image it is.
const STORE_PATH: &str = "nix:store-path";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bill {
    spec_version: String,
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default)]
    properties: Vec<Property>,
}

#[derive(Deserialize)]
struct Property {
    name: String,
    value: String,
}

/// Reads a bill. An error names the file and what was found.
pub(super) fn read(path: &Path) -> Result<BillOfMaterials, String> {
    let text = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let bill: Bill = serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    if bill.spec_version != "1.6" {
        return Err(format!("{}: CycloneDX {}, and 1.6 was expected", path.display(), bill.spec_version));
    }
    let mut read = BillOfMaterials::default();
    for component in bill.components {
        let places = component.properties.into_iter().filter(|property| property.name == STORE_PATH);
        read.store_paths.extend(places.map(|property| property.value));
        if component.kind == "application" {
            read.applications.insert(component.name);
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bill_tells_its_store_paths_and_the_applications_among_its_components() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.cdx.json");
        let bill = r#"{ "bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
            { "type": "library", "name": "libc6", "properties": [{ "name": "nix:store-path", "value": "/nix/store/a-glibc" }] },
            { "type": "library", "name": "axum" }, { "type": "application", "name": "api" }] }"#;
        fs::write(&path, bill).unwrap();
        let read = read(&path).unwrap();
        assert_eq!(read.store_paths.iter().collect::<Vec<_>>(), ["/nix/store/a-glibc"]);
        assert_eq!(read.applications.iter().collect::<Vec<_>>(), ["api"]);
    }

    #[test]
    fn what_is_no_bill_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.cdx.json");
        assert!(read(&path).unwrap_err().contains("a.cdx.json: No such file"));
        fs::write(&path, r#"{ "specVersion": "1.4", "components": [] }"#).unwrap();
        assert!(read(&path).unwrap_err().ends_with("a.cdx.json: CycloneDX 1.4, and 1.6 was expected"));
    }
}
