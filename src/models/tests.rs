//! Parameter counts of the references, and the shapes that they print.

use super::*;

fn built(name: &str, options: &[(&str, Value)]) -> Graph {
    create(name, Options::new(options.iter().map(|(name, value)| ((*name).to_owned(), value.clone())))).unwrap()
}

fn count(name: &str) -> usize {
    built(name, &[]).n_parameters()
}

/// torchvision 0.24's documentation; of efficientnet-lite-pytorch 0.1.0, mmaction2 1.2.0 and the report's network,
/// counted with PyTorch; of the ip-CSNs, those of the ir-CSNs and the 1x1x1 convolutions beside them.
#[test]
fn architectures_have_as_many_parameters_as_the_references() {
    let expected = [
        ("resnet18", 11_689_512),
        ("resnet50", 25_557_032),
        ("resnet152", 60_192_808),
        ("vgg16", 138_357_544),
        ("squeezenet1_1", 1_235_496),
        ("mobilenet_v2", 3_504_872),
        ("efficientnet_lite0", 4_652_008),
        ("r3d_18", 33_371_472),
        ("mc3_18", 11_695_440),
        ("r2plus1d_18", 31_505_325),
        ("ircsn_50", 13_131_152),
        ("ircsn_152", 29_703_568),
        ("ipcsn_50", 14_396_176),
        ("ipcsn_152", 33_016_592),
        ("linear", 6_006),
        ("mlp", 503_506),
    ];
    for (name, parameters) in expected {
        assert_eq!(count(name), parameters, "{name}");
    }
}

/// Section 3.7 of the report `dark-convnext-lstm`.
#[test]
fn the_keras_lstm_of_the_report_has_its_parameters() {
    let convention = ("convention", Value::Text("keras".to_owned()));
    let graph = built("lstm", &[convention, ("hidden", Value::Count(32))]);
    assert_eq!(graph.n_parameters(), 213_248 + 2_080 + 198);
}

#[test]
fn another_number_of_classes_or_no_top_changes_only_the_end() {
    assert_eq!(built("ircsn_50", &[("n_classes", Value::Count(6))]).n_parameters(), 12_323_846);
    assert_eq!(built("ircsn_152", &[("n_classes", Value::Count(6))]).n_parameters(), 28_896_262);
    let bare = built("vgg16", &[("top", Value::Flag(false))]);
    assert_eq!(bare.n_parameters(), 14_714_688);
    assert_eq!(bare.shapes(&[2, 3, 128, 128]).unwrap().last().unwrap(), &[2, 512, 4, 4]);
}

/// Of mmaction2's network for 40 frames at 56 and 64 pixels.
#[test]
fn stages_of_csn_have_the_shapes_of_the_reference() {
    let graph = built("ircsn_50", &[]);
    for (side, sides) in [(56, [14, 14, 7, 4, 2]), (64, [16, 16, 8, 4, 2])] {
        let shapes = graph.shapes(&[1, 3, 40, side, side]).unwrap();
        let stages = ["pool", "layer1", "layer2", "layer3", "layer4"];
        let expected = [(64, 40), (256, 40), (512, 20), (1024, 10), (2048, 5)];
        for ((stage, (channels, frames)), side) in stages.into_iter().zip(expected).zip(sides) {
            assert_eq!(shapes[graph.stage(stage).unwrap()], [1, channels, frames, side, side]);
        }
    }
}

#[test]
fn every_architecture_takes_its_input_and_gives_its_logits() {
    for known in ARCHITECTURES {
        let graph = built(known.name, &[("n_classes", Value::Count(7))]);
        let input = [&[2], known.input].concat();
        let shapes = graph.shapes(&input).unwrap();
        assert_eq!(shapes[graph.output()], [2, 7], "{}", known.name);
        assert_eq!(graph.stage("logits").unwrap(), graph.output());
        if known.name != "linear" {
            assert!(graph.stage("features").unwrap() < graph.output());
        }
        let again = Graph::from_json(&graph.to_json().unwrap()).unwrap();
        assert_eq!(again, graph);
        let mut replaced = graph;
        replaced.replace_classifier(5).unwrap();
        assert_eq!(replaced.shapes(&input).unwrap()[replaced.output()], [2, 5]);
    }
}

#[test]
fn unknown_names_and_options_are_refused_by_name() {
    let refused = |name: &str, option: (&str, Value)| {
        create(name, Options::new([(option.0.to_owned(), option.1)])).unwrap_err().reason()
    };
    assert!(refused("resnet51", ("n_classes", Value::Count(2))).contains("must be one of resnet18"));
    let unknown = refused("resnet18", ("n_clases", Value::Count(2)));
    assert_eq!(unknown, "`options` of resnet18 are n_classes, got \"n_clases\"");
    assert_eq!(refused("resnet18", ("n_classes", Value::Count(0))), "`n_classes` must be a positive integer, got 0");
    assert!(refused("mlp", ("dropout", Value::Number(1.0))).contains("not 1, got 1"));
    assert!(refused("mlp", ("dropout", Value::Number(f64::NAN))).contains("got NaN"));
    assert!(refused("lstm", ("convention", Value::Text("theano".to_owned()))).contains("\"pytorch\", \"keras\""));
    assert!(refused("vgg16", ("top", Value::Count(1))).contains("true or false"));
    let bare = Options::new([("top".to_owned(), Value::Flag(false)), ("n_classes".to_owned(), Value::Count(6))]);
    assert!(create("vgg16", bare).unwrap_err().reason().contains("are top, got \"n_classes\""));
}
